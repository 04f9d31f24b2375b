// CEL expressions on an event: the library's parser and planner, with names checked and work bounded before anything runs.
import { celEnv, isCelError, parse, plan, type CelFunc, type CelValue } from '@bufbuild/cel';
import type { CloudEvent } from '../../contract/event.ts';
import type { CelFault } from './fault.ts';
import { createNullary, standardFunctions } from './cel-functions.ts';
import { checkMeter, type CostExceeded, spend, startMeter } from './meter.ts';
import { createMatches } from './patterns.ts';
import { prepare, tickFunction, variableFunction, type Needs, type PrepareError } from './prepare.ts';
import { Evaluation } from './variables.ts';

const maxLength = 4_096;

export type CelResult =
  { readonly kind: 'value'; readonly value: CelValue } | { readonly kind: 'error'; readonly error: CelFault };

/** What the parser throws for a text that is no CEL. */
interface SyntaxFault {
  readonly rawMessage: string;
  readonly location: { readonly start: { readonly offset: number } };
}

export type CompiledCel =
  | { readonly kind: 'compiled'; evaluate(event: CloudEvent): CelResult }
  | { readonly kind: 'invalid'; readonly error: CelFault };

/** Compiles `source`. What it evaluates to need not be a boolean. Never throws, neither does `evaluate`. */
export function compileCel(source: string): CompiledCel {
  if (source.length > maxLength) {
    const message = `it has ${source.length} characters; at most ${maxLength} may be`;
    return { kind: 'invalid', error: { code: 'limit', message } };
  }
  try {
    return compile(source);
  } catch (error) {
    return { kind: 'invalid', error: parseFault(error) };
  }
}

function compile(source: string): CompiledCel {
  const { expr, sourceInfo } = parse(source);
  let needs: Needs;
  try {
    needs = prepare(expr);
  } catch (error) {
    const { id, fault } = error as PrepareError;
    const at = sourceInfo?.positions[String(id)];
    return { kind: 'invalid', error: { ...fault, at } };
  }
  let evaluation: Evaluation;
  const funcs = functionsFor(needs, () => evaluation);
  const run = plan(celEnv({ funcs }), expr);
  return {
    kind: 'compiled',
    evaluate: (event) => {
      evaluation = new Evaluation(event);
      return evaluate(run, evaluation);
    },
  };
}

function functionsFor(needs: Needs, evaluation: () => Evaluation): CelFunc[] {
  return [
    ...standardFunctions,
    createMatches(needs.patterns),
    ...[...needs.variables].map((name) =>
      createNullary(variableFunction(name), (id) => {
        if (name === 'data') return evaluation().data(id);
        return name === 'event' ? evaluation().attributes() : evaluation().attribute(name, id);
      }),
    ),
    ...[...needs.ticks].map((weight) =>
      createNullary(tickFunction(weight), () => {
        spend(weight);
        return true;
      }),
    ),
  ];
}

function evaluate(run: ReturnType<typeof plan>, evaluation: Evaluation): CelResult {
  // Errors are values in CEL, which a loop may make at every round: their stacks would cost more than all else.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const result = evaluateMetered(run, evaluation);
  Error.stackTraceLimit = stackTraceLimit;
  return result;
}

/** Never throws. */
function evaluateMetered(run: ReturnType<typeof plan>, evaluation: Evaluation): CelResult {
  try {
    startMeter();
    const result = run();
    // An error about the cost may have been swallowed on its way.
    checkMeter();
    if (!isCelError(result)) return { kind: 'value', value: result };
    const fault = evaluation.faults.find(({ message }) => message === result.message);
    return { kind: 'error', error: fault ?? { code: 'evaluation', message: result.message } };
  } catch (error) {
    return { kind: 'error', error: { code: 'limit', message: (error as CostExceeded).message } };
  }
}

/** The parser throws an object with a place, an error for characters that there are not, and a RangeError where the stack is too small. */
function parseFault(error: unknown): CelFault {
  if (error instanceof RangeError && error.message.includes('call stack'))
    return { code: 'limit', message: 'it is nested too deeply' };
  const fault = error as SyntaxFault | Error;
  if (!('rawMessage' in fault)) return { code: 'parse', message: fault.message };
  return { code: 'parse', message: plain(fault.rawMessage), at: fault.location.start.offset };
}

/** What else could have stood there is a list that nobody reads. */
function plain(message: string): string {
  return message.replace(/ but expecting .*,.*$/s, '');
}
