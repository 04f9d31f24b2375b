// Prepares a parsed expression for evaluation: checks every name and function in it, and makes each round of a loop pay for itself.
import { create } from '@bufbuild/protobuf';
import {
  Expr_CallSchema,
  ExprSchema,
  type Expr,
  type Expr_Call,
  type Expr_Comprehension,
} from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { CelScalar, type CelFunc } from '@bufbuild/cel';
import type { CelFault } from './fault.ts';
import { standardFunctions } from './cel-functions.ts';
import { compilePattern, type Pattern } from './patterns.ts';

const maxNesting = 250;

/** What an expression uses. */
export interface Needs {
  /** The variables by name: attributes, `event` and `data`. */
  readonly variables: Set<string>;
  /** The weights of its loops: the number of operators in a round. */
  readonly ticks: Set<number>;
  readonly patterns: Map<string, Pattern>;
}

/** A fault, and the id of the part of the expression that has it. */
export class PrepareError extends Error {
  readonly fault: CelFault;
  readonly id: bigint;

  constructor(id: bigint, code: CelFault['code'], message: string) {
    super(message);
    this.name = 'PrepareError';
    this.fault = { code, message };
    this.id = id;
  }
}

/** Names of the functions that a prepared expression calls for a variable, and at the beginning of each round of a loop. */
export const variableFunction = (name: string): string => `@variable:${name}`;
export const tickFunction = (weight: number): string => `@tick:${weight}`;

/** Names that are types of CEL, as in `type(data) == map`. `type` itself is the attribute. */
const typeNames: ReadonlySet<string> = new Set(
  Object.values(CelScalar)
    .map(({ name }): string => name)
    .concat('list', 'map', 'google')
    .filter((name) => name !== 'type' && name !== 'dyn'),
);

/** Operators that the planner of the library implements without a function. */
const operators: ReadonlySet<string> = new Set(['_[_]', '_?_:_', '_&&_', '_||_', '@not_strictly_false']);

const overloads: ReadonlyMap<string, readonly CelFunc[]> = Map.groupBy(standardFunctions, ({ name }) => name);

/** Rewrites `expr` in place. Throws a PrepareError if it cannot be evaluated on any event. */
export function prepare(expr: Expr): Needs {
  const needs: Needs = { variables: new Set(), ticks: new Set(), patterns: new Map() };
  new Preparation(needs).visit(expr, new Set(), 1);
  return needs;
}

type Scope = ReadonlySet<string>;

class Preparation {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Returns the number of operators in `expr`, without those in loops. */
  visit(expr: Expr, scope: Scope, depth: number): number {
    if (depth > maxNesting)
      throw new PrepareError(expr.id, 'limit', `it is nested deeper than ${maxNesting} levels`);
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'identExpr':
        if (!scope.has(exprKind.value.name)) this.#variable(expr, exprKind.value.name);
        return 1;
      case 'selectExpr':
        return 1 + this.#all([exprKind.value.operand], scope, depth);
      case 'callExpr': {
        const { target, args } = exprKind.value;
        this.#call(expr.id, exprKind.value);
        return 1 + this.#all([target, ...args], scope, depth);
      }
      case 'listExpr':
        return 1 + this.#all(exprKind.value.elements, scope, depth);
      case 'structExpr': {
        const { messageName, entries } = exprKind.value;
        if (messageName !== '')
          throw new PrepareError(expr.id, 'unknown', `messages such as ${messageName}{} do not exist here`);
        // Without a name it is a map: its keys are expressions.
        const parts = entries.flatMap(({ keyKind, value }) => [keyKind.value as Expr | undefined, value]);
        return 1 + this.#all(parts, scope, depth);
      }
      case 'comprehensionExpr':
        return this.#loop(exprKind.value, scope, depth);
      case 'constExpr':
      case undefined:
        return 1;
    }
  }

  #all(parts: readonly (Expr | undefined)[], scope: Scope, depth: number): number {
    let weight = 0;
    for (const part of parts) if (part !== undefined) weight += this.visit(part, scope, depth + 1);
    return weight;
  }

  #variable(expr: Expr, name: string): void {
    if (typeNames.has(name)) return;
    if (!/^[a-z0-9]+$/.test(name))
      throw new PrepareError(
        expr.id,
        'unknown',
        `there is no variable ${name}: write an attribute, whose name is lower-case letters and digits, \`event\` for all attributes, or \`data\` for the payload`,
      );
    this.#needs.variables.add(name);
    expr.exprKind = { case: 'callExpr', value: nullaryCall(variableFunction(name)) };
  }

  #call(id: bigint, { function: name, target, args }: Expr_Call): void {
    if (operators.has(name)) return;
    const named = overloads.get(name);
    if (named === undefined) throw new PrepareError(id, 'unknown', unknownFunction(name));
    const fits = named.some(
      (func) =>
        (func.target === undefined) === (target === undefined) && func.arguments.length === args.length,
    );
    if (!fits)
      throw new PrepareError(id, 'unknown', `${name} cannot be called like this: write ${waysToCall(named)}`);
    if (name === 'matches') this.#pattern(id, args[0]);
  }

  #pattern(id: bigint, arg: Expr | undefined): void {
    const constant = arg?.exprKind.case === 'constExpr' ? arg.exprKind.value.constantKind : undefined;
    if (constant?.case !== 'stringValue')
      throw new PrepareError(id, 'pattern', 'the pattern of matches must be a string literal');
    const result = compilePattern(constant.value);
    if (result.kind === 'wrong') throw new PrepareError(id, 'pattern', result.message);
    this.#needs.patterns.set(constant.value, result.pattern);
  }

  /** Each round of a loop is paid for before it begins, by a call in the loop condition, which CEL cannot skip. */
  #loop(loop: Expr_Comprehension, scope: Scope, depth: number): number {
    const within = new Set([...scope, loop.iterVar, loop.accuVar]);
    const outside = this.#all([loop.iterRange, loop.accuInit], scope, depth);
    const weight = this.#all([loop.loopCondition, loop.loopStep], within, depth);
    this.#all([loop.result], within, depth);
    this.#needs.ticks.add(weight);
    const tick = create(ExprSchema, {
      exprKind: { case: 'callExpr', value: nullaryCall(tickFunction(weight)) },
    });
    const args = [tick, loop.loopCondition as Expr];
    loop.loopCondition = create(ExprSchema, {
      exprKind: { case: 'callExpr', value: create(Expr_CallSchema, { function: '_&&_', args }) },
    });
    return 1 + outside;
  }
}

function nullaryCall(name: string): Expr_Call {
  return create(Expr_CallSchema, { function: name });
}

function unknownFunction(name: string): string {
  if (name === 'has') return 'has takes a field, such as has(data.total) or has(event.subject)';
  if (macros.has(name))
    return `${name} takes a name first, such as data.items.${name}(item, item.price > 5.0)`;
  return `there is no function ${name}`;
}

const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

function waysToCall(functions: readonly CelFunc[]): string {
  const ways = functions.map(({ name, target, arguments: types }) => {
    const args = types.map((type) => type.name).join(', ');
    return target === undefined ? `${name}(${args})` : `${target.name}.${name}(${args})`;
  });
  return [...new Set(ways)].join(' or ');
}
