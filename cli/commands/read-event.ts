// Reads the event for `millrace try`: one CloudEvent in JSON.
import type { CloudEvent } from '../../core/contract/event.ts';
import { decodeStructured } from '../../gateway/events/decode-structured.ts';

export type ReadEvent =
  | { readonly kind: 'event'; readonly event: CloudEvent }
  | { readonly kind: 'wrong'; readonly message: string };

/** The event in `bytes`, or what is wrong with them. */
export function readEvent(bytes: Buffer): ReadEvent {
  const text = bytes.toString('utf8').trim();
  if (text === '') return wrong('it is empty; write one CloudEvent in JSON');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return wrong(`it is not JSON: ${(error as Error).message}`);
  }
  if (Array.isArray(json)) return wrong('it is a list; write one CloudEvent, not a batch');
  if (typeof json !== 'object' || json === null)
    return wrong(
      `it is ${json === null ? 'null' : `a ${typeof json}`}, not an object with the attributes of a CloudEvent`,
    );
  const missing = ['specversion', 'id', 'source', 'type'].filter((name) => !Object.hasOwn(json, name));
  if (missing.length > 0) {
    const example = '{"specversion":"1.0","id":"1","source":"/me","type":"order.placed","data":{}}';
    return wrong(`it has no ${missing.join(', no ')}; write a CloudEvent such as ${example}`);
  }
  const decoded = decodeStructured(bytes, {});
  return decoded.kind === 'event' ? decoded : wrong(decoded.reason);
}

function wrong(message: string): ReadEvent {
  return { kind: 'wrong', message: `standard input is no CloudEvent: ${message}` };
}
