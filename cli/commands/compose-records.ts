// Composes the records that `millrace send` stores, from bytes and options. Pure, except that it generates ids and times that are
// not given.
import { randomUUID } from 'node:crypto';
import { MillraceError } from '../../core/contract/errors.ts';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { OutgoingRecord } from '../../core/contract/record-sink.ts';
import { encodeRecord, encodeStructuredRecord } from '../../gateway/events/encode-record.ts';

export interface RecordOptions {
  readonly topic: string;
  /** One record per line of the input, instead of one record for all of it. */
  readonly lines: boolean;
  readonly key?: string | undefined;
  readonly keySeparator?: string | undefined;
  /** `name=value`. */
  readonly header: readonly string[];
  /** The record has no value: a tombstone. */
  readonly null: boolean;
  /** The records are CloudEvents of this type. The options below are about CloudEvents. */
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly id?: string | undefined;
  readonly subject?: string | undefined;
  readonly time?: string | undefined;
  readonly contentType?: string | undefined;
  /** `name=value`. */
  readonly extension: readonly string[];
  readonly structured: boolean;
}

/** @throws MillraceError `MILLRACE_CONFIG_INVALID` that names all options that contradict each other */
export function checkRecordOptions(options: RecordOptions): void {
  const { type, lines } = options;
  const eventOptions = ['source', 'id', 'subject', 'time', 'structured'] as const;
  const stray = type === undefined ? eventOptions.filter((name) => Boolean(options[name])) : [];
  const extensionNames = options.extension.map((text) => split(text)[0]);
  const mistakes = [
    ...stray.map((name) => `--${name} is for CloudEvents, so it needs --type`),
    ...(type === undefined && extensionNames.length > 0
      ? ['--extension is for CloudEvents, so it needs --type']
      : []),
    ...(type === '' ? ['--type is empty'] : []),
    ...(options.id !== undefined && lines ? ['--id is for one event, but --lines sends many'] : []),
    ...(options.null && lines ? ['--null sends one record without a value, but --lines sends many'] : []),
    ...(options.keySeparator !== undefined && !lines ? ['--key-separator needs --lines'] : []),
    ...(options.keySeparator === '' ? ['--key-separator is empty'] : []),
    ...extensionNames
      .filter((name) => !/^[a-z0-9]{1,20}$/.test(name))
      .map((name) => `--extension ${name} is no valid name: use 1 to 20 lower-case letters and digits`),
  ];
  if (mistakes.length > 0) throw new MillraceError('MILLRACE_CONFIG_INVALID', mistakes.join('; '));
}

/** The record for one piece of input: a line, or all of it. */
export function composeRecord(input: Buffer, options: RecordOptions): OutgoingRecord {
  const { key, value } = splitKey(input, options);
  const { topic, type } = options;
  const data = options.null ? null : value;
  const headers = options.header.map(toHeader);
  const keyBytes = key === undefined ? null : Buffer.from(key);
  if (type === undefined) {
    if (options.contentType !== undefined) headers.push(toHeader(`content-type=${options.contentType}`));
    return { topic, key: keyBytes, value: data, headers };
  }
  const event = eventOf(type, data, options);
  const encoded = options.structured ? encodeStructuredRecord(event) : encodeRecord(event);
  return {
    topic,
    key: keyBytes ?? encoded.key,
    value: encoded.value,
    headers: [...encoded.headers, ...headers],
  };
}

function splitKey(
  input: Buffer,
  { key, keySeparator }: RecordOptions,
): { key: string | undefined; value: Buffer } {
  const end = keySeparator === undefined ? -1 : input.indexOf(keySeparator);
  if (keySeparator === undefined || end < 0) return { key, value: input };
  return {
    key: input.toString('utf8', 0, end),
    value: input.subarray(end + Buffer.byteLength(keySeparator)),
  };
}

function eventOf(type: string, data: Buffer | null, options: RecordOptions): CloudEvent {
  const { source = '/millrace/send', id = randomUUID(), subject, time = new Date().toISOString() } = options;
  const datacontenttype = options.contentType ?? (data === null ? undefined : guessContentType(data));
  const extensions = Object.fromEntries(options.extension.map(split));
  return { id, source, type, subject, time, datacontenttype, extensions, data };
}

function guessContentType(data: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return 'application/octet-stream';
  }
  try {
    JSON.parse(text);
    return 'application/json';
  } catch {
    return 'text/plain';
  }
}

function toHeader(text: string): { name: string; value: Buffer } {
  const [name, value] = split(text);
  return { name, value: Buffer.from(value) };
}

/** Splits `name=value` at the first `=`. */
function split(text: string): [name: string, value: string] {
  const end = text.indexOf('=');
  return [text.slice(0, end), text.slice(end + 1)];
}
