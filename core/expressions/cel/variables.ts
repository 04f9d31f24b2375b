// The variables of an expression: the attributes of the event, `event` with all of them, and `data`.
import { isUtf8 } from 'node:buffer';
import { celError, type CelError, type CelMap, type CelValue } from '@bufbuild/cel';
import { fromJson } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { attributeOf, type AttributeValue, type CloudEvent } from '../../contract/event.ts';
import { isJsonMediaType, mediaTypeOf } from '../../contract/media-type.ts';
import type { CelFault } from './fault.ts';
import { spend } from './cost-meter.ts';
import { jsonToCel, mapOf } from './values.ts';

/** Larger payloads are not read, in bytes. */
export const maxPayloadBytes = 1024 * 1024;

/** One evaluation on one event. */
export class Evaluation {
  readonly event: CloudEvent;
  /** Faults of the event, not of the expression. Kept here because the library passes on the message of an error only. */
  readonly faults: CelFault[] = [];
  #attributes: CelMap | undefined;

  constructor(event: CloudEvent) {
    this.event = event;
  }

  attribute(name: string, id: number): CelValue | CelError {
    const value = attributeOf(this.event, name);
    if (value !== undefined) return attributeToCel(name, value);
    return this.#fail(id, { code: 'missingAttribute', message: `the event has no attribute ${name}` });
  }

  attributes(): CelMap {
    return (this.#attributes ??= this.#allAttributes());
  }

  data(id: number): CelValue | CelError {
    const payload = payloadOf(this.event);
    if (payload.kind === 'value') return payload.value;
    return this.#fail(id, { code: 'payload', message: payload.message });
  }

  #allAttributes(): CelMap {
    const { extensions } = this.event;
    const entries: Record<string, CelValue> = {};
    for (const name of [...coreNames, ...Object.keys(extensions)]) {
      const value = attributeOf(this.event, name);
      if (value !== undefined) entries[name] = attributeToCel(name, value);
    }
    return mapOf(entries);
  }

  #fail(id: number, fault: CelFault): CelError {
    this.faults.push(fault);
    return celError(fault.message, id);
  }
}

const coreNames = [
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
] as const;

/** Whole numbers are `int`. The time is a timestamp, or a string if CEL cannot represent it (a leap second). */
function attributeToCel(name: string, value: AttributeValue): CelValue {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (name !== 'time' || typeof value !== 'string') return value;
  spend(10);
  try {
    return reflect(TimestampSchema, fromJson(TimestampSchema, value.toUpperCase()));
  } catch {
    return value;
  }
}

type Payload =
  | { readonly kind: 'value'; readonly value: CelValue }
  | { readonly kind: 'unreadable'; readonly message: string };

/** The payload that was read last: the filters of a trigger read the same payload one after the other. */
let lastEvent: CloudEvent | undefined;
let lastPayload: Payload | undefined;

function payloadOf(event: CloudEvent): Payload {
  if (lastEvent !== event || lastPayload === undefined) {
    lastPayload = readPayload(event);
    lastEvent = event;
  }
  return lastPayload;
}

/** JSON becomes its value, text a string, anything else bytes; no data becomes null. Without a content type it is JSON if it can be parsed. */
function readPayload({ data, datacontenttype: type }: CloudEvent): Payload {
  if (data === null) return { kind: 'value', value: null };
  if (data.length > maxPayloadBytes)
    return unreadable(`the payload has ${data.length} bytes, but at most ${maxPayloadBytes} are read`);
  if (type === undefined) {
    const json = readJson(data);
    return json.kind === 'value' ? json : { kind: 'value', value: data };
  }
  if (isJsonMediaType(type)) return readJson(data);
  const isText = mediaTypeOf(type).startsWith('text/') && isUtf8(data);
  return { kind: 'value', value: isText ? data.toString('utf8') : data };
}

function readJson(data: Buffer): Payload {
  try {
    if (!isUtf8(data)) return unreadable('the payload is not JSON: it is not UTF-8');
    return { kind: 'value', value: jsonToCel(JSON.parse(data.toString('utf8'))) };
  } catch {
    // V8's message quotes the payload.
    return unreadable('the payload is not JSON, though its datacontenttype says so');
  }
}

function unreadable(message: string): Payload {
  return { kind: 'unreadable', message };
}
