// Compiles CEL expressions with the library's parser and planner. Names are checked, and the cost is bounded, before anything runs.
import { celEnv, isCelError, parse, plan, type CelFunc, type CelValue } from '@bufbuild/cel';
import type { CloudEvent } from '../../contract/event.ts';
import type { CelFault } from './fault.ts';
import { createNullary, standardFunctions } from './cel-functions.ts';
import { checkMeter, type CostExceeded, spend, startMeter } from './cost-meter.ts';
import { createMatches } from './patterns.ts';
import { prepare, tickFunction, variableFunction, type Needs, type PrepareError } from './prepare.ts';
import { Evaluation } from './variables.ts';

const maxLength = 4_096;

export type CelResult =
  { readonly kind: 'value'; readonly value: CelValue } | { readonly kind: 'error'; readonly error: CelFault };

/** What the parser throws for a text that is not CEL. */
interface SyntaxFault {
  readonly rawMessage: string;
  readonly location: { readonly start: { readonly offset: number } };
}

export type CompiledCel =
  | { readonly kind: 'compiled'; evaluate(event: CloudEvent): CelResult }
  | { readonly kind: 'invalid'; readonly error: CelFault };

/** Compiles `source`. Its result may be of any type. Neither this function nor `evaluate` throws. */
export function compileCel(source: string): CompiledCel {
  if (source.length > maxLength) {
    const message = `it has ${source.length} characters, but at most ${maxLength} are allowed`;
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
  // Errors are values in CEL, and a loop may create one in each round. Their stack traces would cost more than everything else.
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
    // CEL may have swallowed the error about the cost.
    checkMeter();
    if (!isCelError(result)) return { kind: 'value', value: result };
    const fault = evaluation.faults.find(({ message }) => message === result.message);
    return { kind: 'error', error: fault ?? { code: 'evaluation', message: result.message } };
  } catch (error) {
    return { kind: 'error', error: { code: 'limit', message: (error as CostExceeded).message } };
  }
}

/** The parser throws an object with a position, an error for invalid characters, or a RangeError if the stack overflows. */
function parseFault(error: unknown): CelFault {
  if (error instanceof RangeError && error.message.includes('call stack'))
    return { code: 'limit', message: 'it is nested too deeply' };
  const fault = error as SyntaxFault | Error;
  if (!('rawMessage' in fault)) return { code: 'parse', message: fault.message };
  return { code: 'parse', message: plain(fault.rawMessage), at: fault.location.start.offset };
}

/** Removes the list of everything that could have stood there instead. */
function plain(message: string): string {
  return message.replace(/ but expecting .*,.*$/s, '');
}
