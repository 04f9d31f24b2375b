// Reads the values of options and arguments. What is wrong with one ends the command as a wrong use of it.
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../core/resources/schema/duration.ts';

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a port from 0 to 65535.');
  return port;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return Number(text);
}

export function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** In ms. */
export function parseIsoDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It must be an ISO 8601 duration such as PT60S.');
  return ms;
}

/** An offset may exceed the range of a number. */
export function parseOffset(text: string): string {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return text;
}

export function append(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

export function appendNamed(text: string, before: readonly string[] = []): string[] {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('It must be written as name=value.');
  return append(text, before);
}
