// The built-in functions (CESQL 1.0, section 3.5). A function is identified by its name and its number of parameters.
import { toBoolean, toInteger } from './cast.ts';
import { countCharacters, indexAfter, indexBefore, trimWhiteSpace } from './characters.ts';
import { failure, quote, type CesqlValue, type Failure, type Outcome } from './cesql-outcome.ts';

interface Types {
  String: string;
  Integer: number;
  Boolean: boolean;
  Any: CesqlValue;
}

export type ParameterType = keyof Types;
export type ReturnType = Exclude<ParameterType, 'Any'>;

export interface CesqlFunction {
  readonly parameters: readonly ParameterType[];
  /** The type of further parameters, of which there may be any number. */
  readonly others?: ParameterType;
  readonly returns: ReturnType;
  /** Its arguments are cast to the types of the parameters already. */
  readonly invoke: (...values: readonly CesqlValue[]) => Outcome;
}

/** In UTF-16 units. Without a limit, nested calls that repeat a long attribute could create huge strings. */
const maxTextLength = 65_536;

const functions: Readonly<Record<string, readonly CesqlFunction[]>> = {
  LENGTH: [define(['String'], 'Integer', countCharacters)],
  CONCAT: [define([], 'String', (...texts) => join('CONCAT', texts, ''), 'String')],
  CONCAT_WS: [
    define(['String'], 'String', (delimiter, ...texts) => join('CONCAT_WS', texts, delimiter), 'String'),
  ],
  LOWER: [define(['String'], 'String', (text) => text.toLowerCase())],
  UPPER: [define(['String'], 'String', (text) => text.toUpperCase())],
  TRIM: [define(['String'], 'String', trimWhiteSpace)],
  LEFT: [
    define(['String', 'Integer'], 'String', (text, count) =>
      count < 0 ? negativeCount('LEFT', text, count) : text.slice(0, indexAfter(text, 0, count)),
    ),
  ],
  RIGHT: [
    define(['String', 'Integer'], 'String', (text, count) =>
      count < 0 ? negativeCount('RIGHT', text, count) : text.slice(indexBefore(text, count)),
    ),
  ],
  SUBSTRING: [
    define(['String', 'Integer'], 'String', substring),
    define(['String', 'Integer', 'Integer'], 'String', substring),
  ],
  ABS: [define(['Integer'], 'Integer', absolute)],
  INT: [define(['Any'], 'Integer', toInteger)],
  BOOL: [define(['Any'], 'Boolean', toBoolean)],
  STRING: [define(['Any'], 'String', String)],
  IS_INT: [define(['Any'], 'Boolean', (value) => typeof toInteger(value) === 'number')],
  IS_BOOL: [define(['Any'], 'Boolean', (value) => typeof toBoolean(value) === 'boolean')],
};

export function isFunctionName(name: string): boolean {
  return Object.hasOwn(functions, name);
}

/** The function for a call of `name`, in upper case, with `arity` arguments; undefined if there is none. */
export function findFunction(name: string, arity: number): CesqlFunction | undefined {
  const overloads = isFunctionName(name) ? functions[name] : undefined;
  return overloads?.find(({ parameters, others }) =>
    others === undefined ? parameters.length === arity : parameters.length <= arity,
  );
}

function define<const Parameters extends readonly ParameterType[], Other extends ParameterType = never>(
  parameters: Parameters,
  returns: ReturnType,
  invoke: (
    ...values: [...{ [Index in keyof Parameters]: Types[Parameters[Index]] }, ...Types[Other][]]
  ) => Outcome,
  others?: Other,
): CesqlFunction {
  // The table cannot express that the values of each row have the types of its parameters.
  const row = { parameters, returns, invoke: invoke as unknown as CesqlFunction['invoke'] };
  return others === undefined ? row : { ...row, others };
}

function join(name: string, texts: readonly string[], delimiter: string): Outcome {
  let length = delimiter.length * Math.max(0, texts.length - 1);
  for (const text of texts) length += text.length;
  if (length > maxTextLength)
    return failure(
      'functionEvaluation',
      `the result of ${name} has more than ${maxTextLength} characters`,
      '',
    );
  return texts.join(delimiter);
}

function negativeCount(name: string, text: string, count: number): Failure {
  return failure('functionEvaluation', `${name} cannot take ${count} characters`, text);
}

/** `count` characters, or all, from the character at `position` on. The first is 1, the last is -1. */
function substring(text: string, position: number, count?: number): Outcome {
  const length = countCharacters(text);
  if (position > length || position < -length)
    return failure(
      'functionEvaluation',
      `SUBSTRING cannot start at ${position}, which is outside of ${quote(text)}`,
      '',
    );
  if (count !== undefined && count < 0)
    return failure('functionEvaluation', `SUBSTRING cannot take ${count} characters`, '');
  if (position === 0) return '';
  const start = position > 0 ? indexAfter(text, 0, position - 1) : indexBefore(text, -position);
  return count === undefined ? text.slice(start) : text.slice(start, indexAfter(text, start, count));
}

function absolute(value: number): Outcome {
  if (value === -2_147_483_648)
    return failure('math', `the absolute value of ${value} is not a 32-bit integer`, 2_147_483_647);
  return Math.abs(value);
}
