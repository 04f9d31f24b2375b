// Readers of what producers and functions write: records, expressions over events, and answers.
import { ok } from 'node:assert/strict';
import type { AttributeValue, CloudEvent } from '../../core/contract/event.ts';
import type { ExpressionDialect } from '../../core/contract/expressions.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import { outcomeByStatus } from '../../gateway/delivery/outcome-by-status.ts';
import { createDecode } from '../../gateway/events/decode.ts';
import { decodeReply } from '../../gateway/events/decode-reply.ts';
import { memberOf } from '../../gateway/events/encode-json.ts';
import { createEncode, encodeBatch } from '../../gateway/events/encode.ts';
import { checkExpression, compileExpression } from '../../core/expressions/compile-expression.ts';
import { partsOf, seedOf, type Target } from './target.ts';

const owner = { namespace: 'geo', name: 'quake-alerts' };
const decodes = (['millrace', 'knative'] as const).map((dialect) =>
  createDecode({ type: 'dev.millrace.record', dialect }, 'main', owner),
);
const encodes = (['binary', 'structured'] as const).map((contentMode) => createEncode({ contentMode }));
const mayBeSent = /^(?:ce-[a-z0-9]+|content-type|traceparent|tracestate)$/;

/** Key, value, then name and value of each header. An empty key or value means none. */
function recordOf(input: Buffer): KafkaRecord {
  const [key = input, value = input, ...rest] = partsOf(input);
  const headers = Array.from({ length: rest.length >> 1 }, (_, index) => ({
    name: rest[2 * index]!.toString(),
    value: rest[2 * index + 1]!,
  }));
  const orNone = (bytes: Buffer): Buffer | null => (bytes.length === 0 ? null : bytes);
  const place = { topic: 'orders', partition: 0, offset: 7n, timestampMs: 1_700_000_000_000 };
  return { ...place, key: orNone(key), value: orNone(value), headers };
}

function checkRequest(event: CloudEvent): void {
  for (const encode of encodes) {
    const { headers } = encode(event);
    for (let at = 0; at < headers.length; at += 2) {
      ok(mayBeSent.test(headers[at]!), `a header ${JSON.stringify(headers[at])}`);
      ok(/^[\x20-\x7e]*$/.test(headers[at + 1]!), `a value ${JSON.stringify(headers[at + 1])}`);
    }
  }
  JSON.parse(String(encodeBatch([memberOf(event)]).body));
}

const json =
  '{"specversion":"1.0","id":"a-1","source":"/orders","type":"order.placed","data":{"total":12.5}}';
const record: Target = {
  name: 'record',
  seeds: [
    seedOf('key', '{"total":12.5}', 'content-type', 'application/json', 'trace', 'ä'),
    seedOf('', json, 'content-type', 'application/cloudevents+json; charset=utf-8'),
    seedOf(
      'k',
      '<x/>',
      'ce_specversion',
      '1.0',
      'ce_id',
      'a%20b',
      'ce_source',
      '/',
      'ce_type',
      't',
      'ce_subject',
      's',
    ),
    seedOf(
      'k',
      '',
      'traceparent',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'tracestate',
      'a=1',
    ),
  ],
  attempt(input) {
    for (const decode of decodes) {
      const result = decode(recordOf(input));
      if (result.kind === 'event') checkRequest(result.event);
      else ok(result.reason.length < 2_000, 'a reason that is too long to be told');
    }
  },
};

const extensions: Record<string, AttributeValue> = { region: 'eu', kafkapartition: 3, urgent: true };
const event: CloudEvent = {
  ...{
    id: 'a-1',
    source: '/orders/eu',
    type: 'order.placed',
    subject: 'o-7',
    datacontenttype: 'application/json',
  },
  extensions,
  data: Buffer.from('{"total": 12.5, "lines": [{"sku": "a", "count": 2}], "note": "ünï"}'),
};

function expressions(dialect: ExpressionDialect, seeds: readonly string[]): Target {
  return {
    name: dialect,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    attempt(input) {
      const text = input.toString();
      const fault = checkExpression(dialect, text);
      if (fault !== undefined) return;
      const verdict = compileExpression(dialect, text)(event);
      ok(typeof verdict === 'boolean' || verdict.message.length < 10_000, 'neither a verdict nor a fault');
    },
  };
}

const answer: Target = {
  name: 'answer',
  seeds: [
    seedOf('200', 'application/cloudevents+json', '', json),
    seedOf('200', 'application/json', '', '{"batchItemFailures":[{"itemIdentifier":"a-1"}]}'),
    seedOf('503', 'text/plain', 'Wed, 21 Oct 2026 07:28:00 GMT', 'busy'),
    seedOf('429', '', '120', ''),
  ],
  attempt(input) {
    const [status = '', type = '', retryAfter = '', body = ''] = partsOf(input).map(String);
    const headers = { 'content-type': type, 'retry-after': retryAfter, 'ce-id': retryAfter, 'ce-type': type };
    for (const batch of [
      undefined,
      [
        { id: 'a-1', source: '/a' },
        { id: 'a-2', source: '/b' },
      ],
    ]) {
      const outcome = outcomeByStatus(
        { status: Number.parseInt(status, 10) || 200, headers, body: Buffer.from(body) },
        { replyWanted: true, isAuthenticated: false, parseReply: decodeReply, batch, nowMs: 0 },
      );
      if (outcome.kind === 'delivered')
        ok(
          [...(outcome.failedIds ?? [])].every((id) => batch?.some((one) => one.id === id)),
          'an event that was not sent has failed',
        );
      else ok(outcome.reason.length < 5_000, 'a reason that is too long to be told');
    }
  },
};

export const eventTargets: readonly Target[] = [
  record,
  answer,
  expressions('cesql', [
    "type = 'order.placed' AND EXISTS region",
    "subject LIKE 'o-%' OR NOT (kafkapartition > 2)",
    "LOWER(source) IN ('/a', '/b') XOR INT('7') = 7",
    "SUBSTRING(CONCAT_WS('-', id, region), 2, 3) != RIGHT(type, 4)",
  ]),
  expressions('cel', [
    'data.total >= 12.0 && type.startsWith("order.")',
    'data.lines.exists(l, l.sku.matches("^[a-c]+$") && l.count in [1, 2])',
    'has(data.note) ? size(data.note) > 2 : timestamp("2026-01-01T00:00:00Z") < timestamp("2026-02-01T00:00:00Z")',
    '{"a": [1, 2u, 3.5, b"x", null]}["a"].map(x, string(x)).filter(s, s != "").size() == 5',
  ]),
];
