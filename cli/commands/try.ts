// `millrace try`: evaluates an expression, or filters, on one event. Always prints one JSON object on standard output.
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { Filter } from '../../core/contract/subscription.ts';
import { celToJson } from '../../core/expressions/cel/cel-to-json.ts';
import { compileCel } from '../../core/expressions/cel/compile-cel.ts';
import { compileCesql } from '../../core/expressions/cesql/compile-cesql.ts';
import { explainRefusal, type Refusal } from '../../gateway/filter/explain-filter.ts';
import type { CommandIo } from '../command-io.ts';
import { readEvent } from './read-event.ts';
import { readFilters } from './read-filters.ts';

export interface TryOptions {
  readonly cesql?: string;
  readonly cel?: string;
  readonly filters?: string;
}

/** The printed object. `value` is always present: after an error, it is the value that a filter or the specification falls back to. */
interface Answer {
  readonly value: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly at?: number | undefined };
  readonly [more: string]: unknown;
}

/** `isEvaluated` is false if the expression, the file or the event is invalid. */
interface Outcome {
  readonly isEvaluated: boolean;
  readonly answer: Answer;
}

type Evaluate = (event: CloudEvent) => Outcome;

/** Exit code 0 if an evaluation took place, whatever its result; 1 if the expression, the file or the event is invalid. */
export async function runTryCommand(options: TryOptions, io: CommandIo): Promise<number> {
  const { isEvaluated, answer } = await evaluate(options, io);
  io.stdout.write(`${JSON.stringify(answer)}\n`);
  return isEvaluated ? 0 : 1;
}

async function evaluate(options: TryOptions, io: CommandIo): Promise<Outcome> {
  const prepared = await prepare(options);
  if (typeof prepared !== 'function') return prepared;
  if (io.stdin.isTTY)
    io.stderr.write('Reading a CloudEvent in JSON from the terminal. Ctrl-D ends the input.\n');
  io.signal.addEventListener('abort', () => io.stdin.destroy(), { once: true });
  const event = readEvent(await inputOf(io));
  return event.kind === 'event' ? prepared(event.event) : wrong('event', event.message);
}

async function inputOf({ stdin, signal }: CommandIo): Promise<Buffer> {
  try {
    return await buffer(stdin);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function prepare({ cesql, cel, filters }: TryOptions): Promise<Evaluate | Outcome> | Evaluate | Outcome {
  const given = [cesql, cel, filters].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new MillraceError('MILLRACE_CONFIG_INVALID', 'give exactly one of --cesql, --cel and --filters');
  if (cesql !== undefined) return prepareCesql(cesql);
  return cel !== undefined ? prepareCel(cel) : prepareFilters(String(filters));
}

function prepareCesql(source: string): Evaluate | Outcome {
  const compiled = compileCesql(source);
  if (compiled.kind === 'invalid')
    return { isEvaluated: false, answer: { value: false, error: compiled.error } };
  return (event) => ({ isEvaluated: true, answer: { ...compiled.evaluate(event) } });
}

function prepareCel(source: string): Evaluate | Outcome {
  const compiled = compileCel(source);
  if (compiled.kind === 'invalid')
    return { isEvaluated: false, answer: { value: false, error: compiled.error } };
  return (event) => {
    const result = compiled.evaluate(event);
    if (result.kind === 'error') return { isEvaluated: true, answer: { value: false, error: result.error } };
    return { isEvaluated: true, answer: { value: celToJson(result.value) } };
  };
}

async function prepareFilters(file: string): Promise<Evaluate | Outcome> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return wrong('filters', `cannot read ${file}: ${describeError(error)}`);
  }
  const read = readFilters(file, text);
  switch (read.kind) {
    case 'wrong':
      return wrong('filters', read.message);
    case 'filters':
      return (event) => ({ isEvaluated: true, answer: answerOf(read.filters, event) });
    case 'triggers':
      return (event) => ({ isEvaluated: true, answer: answerOfAll(read.triggers, event) });
  }
}

function wrong(code: string, message: string): Outcome {
  return { isEvaluated: false, answer: { value: false, error: { code, message } } };
}

function answerOf(filters: readonly Filter[], event: CloudEvent): Answer {
  const refusal = explainRefusal(filters, event);
  return refusal === undefined ? { value: true } : { value: false, refusedBy: describeRefusal(refusal) };
}

/** With one trigger, the answer of its filters. With several, a list of answers, and `value` tells whether any trigger takes the event. */
function answerOfAll(
  triggers: readonly { key: string; filters: readonly Filter[] }[],
  event: CloudEvent,
): Answer {
  const answers = triggers.map(({ key, filters }) => ({ trigger: key, ...answerOf(filters, event) }));
  const [only] = answers;
  if (answers.length === 1 && only !== undefined) return only;
  return { value: answers.some(({ value }) => value === true), triggers: answers };
}

function describeRefusal({ path, filter, why, error }: Refusal): object {
  return { path, filter: declared(filter), why, error };
}

/** The filter as written in a manifest. */
function declared(filter: Filter): object {
  switch (filter.kind) {
    case 'exact':
    case 'prefix':
    case 'suffix':
      return { [filter.kind]: filter.attributes };
    case 'all':
    case 'any':
      return { [filter.kind]: filter.filters.map(declared) };
    case 'not':
      return { not: declared(filter.filter) };
    case 'cesql':
    case 'cel':
      return { [filter.kind]: filter.expression };
  }
}
