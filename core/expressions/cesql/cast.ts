// Casts between the three types (CESQL 1.0, section 3.7). A cast that fails gives the zero value of its target.
import type { AttributeValue } from '../../contract/event.ts';
import { failure, quote, type CesqlValue, type Outcome } from './cesql-outcome.ts';

const minInteger = -2_147_483_648;
const maxInteger = 2_147_483_647;

export function isInteger(value: number): boolean {
  return Number.isInteger(value) && value >= minInteger && value <= maxInteger;
}

/** The integer that `text` writes in base 10, with or without a sign; undefined if it is not a 32-bit integer. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  // Adding 0 makes 0 of -0.
  return isInteger(value) ? value + 0 : undefined;
}

export function toInteger(value: CesqlValue): Outcome<number> {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return parseInteger(value) ?? failure('cast', `${quote(value)} is not a 32-bit integer`, 0);
}

export function toBoolean(value: CesqlValue): Outcome<boolean> {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  const text = value.toLowerCase();
  if (text === 'true') return true;
  return text === 'false' ? false : failure('cast', `${quote(value)} is neither true nor false`, false);
}

/** Casts `value` to the type of `model`. */
export function castLike(value: CesqlValue, model: CesqlValue): Outcome {
  if (typeof model === 'string') return String(value);
  return typeof model === 'number' ? toInteger(value) : toBoolean(value);
}

/** The value of an attribute in an expression. A number that is not an Integer becomes a string (section 3.2). */
export function fromAttribute(value: AttributeValue): CesqlValue {
  if (typeof value !== 'number') return value;
  return isInteger(value) ? value + 0 : String(value);
}
