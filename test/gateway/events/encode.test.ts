import { HTTP, type CloudEventV1 } from 'cloudevents';
import fc from 'fast-check';
import t from 'tap';
import type { CloudEvent } from '../../../core/contract/event.ts';
import { decodeReply } from '../../../gateway/events/decode-reply.ts';
import { createEncode, createEncodeBinary, encodeBatch } from '../../../gateway/events/encode.ts';
import { encodeJson, memberOf } from '../../../gateway/events/encode-json.ts';
import { anyEvent, eventOf } from './build.ts';

const encode = createEncodeBinary();
const required = [
  ...['ce-specversion', '1.0', 'ce-id', 'a-1', 'ce-source', '/orders/eu'],
  ...['ce-type', 'com.example.order.created'],
];
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function objectOf(headers: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let at = 0; at < headers.length; at += 2) object[headers[at] ?? ''] = headers[at + 1] ?? '';
  return object;
}

t.test('binary', (t) => {
  t.strictSame(encode(eventOf()), { headers: required, body: null });
  t.strictSame(
    encode(
      eventOf({
        subject: 'größe €',
        time: '2024-05-06T07:08:09Z',
        datacontenttype: 'text/plain; charset=utf-8',
        dataschema: 'urn:x',
        extensions: { region: 'e u', kafkapartition: 3, yes: true },
        data: Buffer.from('x'),
      }),
    ),
    {
      headers: [
        ...required,
        ...[
          'ce-subject',
          'gr%C3%B6%C3%9Fe%20%E2%82%AC',
          'ce-time',
          '2024-05-06T07:08:09Z',
          'ce-dataschema',
          'urn:x',
        ],
        ...['content-type', 'text/plain; charset=utf-8'],
        ...['ce-region', 'e%20u', 'ce-kafkapartition', '3', 'ce-yes', 'true'],
      ],
      body: Buffer.from('x'),
    },
  );
  t.equal(objectOf(encode(eventOf({ datacontenttype: 'text/é' })).headers)['content-type'], 'text/%C3%A9');
  t.end();
});

t.test('trace context', (t) => {
  const sent = (extensions: CloudEvent['extensions']) =>
    encode(eventOf({ extensions })).headers.slice(required.length);
  t.strictSame(sent({ traceparent, tracestate: 'a=1, b=2' }), [
    ...['ce-traceparent', traceparent, 'ce-tracestate', 'a=1,%20b=2'],
    ...['traceparent', traceparent, 'tracestate', 'a=1, b=2'],
  ]);
  t.strictSame(sent({ traceparent }), ['ce-traceparent', traceparent, 'traceparent', traceparent]);
  t.strictSame(sent({ traceparent: 'é' }), ['ce-traceparent', '%C3%A9']);
  t.strictSame(sent({ traceparent: 1 }), ['ce-traceparent', '1']);
  t.strictSame(sent({ traceparent, tracestate: 'é' }).slice(4), ['traceparent', traceparent]);
  t.strictSame(sent({ traceparent, tracestate: 1 }).slice(4), ['traceparent', traceparent]);
  t.strictSame(sent({ tracestate: 'a=1' }), ['ce-tracestate', 'a=1']);
  t.end();
});

t.test('the modes', (t) => {
  const event = eventOf({
    datacontenttype: 'application/json',
    data: Buffer.from('1'),
    extensions: { traceparent },
  });
  t.strictSame(createEncode({ contentMode: 'binary' })(event), encode(event));
  t.strictSame(createEncode({ contentMode: 'structured' })(event), {
    headers: ['content-type', 'application/cloudevents+json; charset=utf-8', 'traceparent', traceparent],
    body: encodeJson(event),
  });
  const batch = {
    headers: ['content-type', 'application/cloudevents-batch+json; charset=utf-8'],
    body: Buffer.from(`[${encodeJson(event).toString()}]`),
  };
  t.strictSame(createEncode({ contentMode: 'batched' })(event), batch);
  t.strictSame(encodeBatch([memberOf(event)]), batch);
  t.end();
});

t.test('a thousand and one names are still sent', (t) => {
  const encodeMany = createEncodeBinary();
  for (let n = 0; n < 1_010; n += 1) {
    t.equal(encodeMany(eventOf({ extensions: { [`n${n}`]: 'x' } })).headers.at(-2), `ce-n${n}`);
  }
  t.end();
});

t.test('nothing from a record reaches another header, or splits one', (t) => {
  const wild = fc.oneof(
    fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
    fc.constantFrom('x\r\nhost: evil', 'x\nContent-Length: 0\n\n', '\u0000', '\u2028', 'chunked'),
  );
  const names = fc.oneof(
    wild,
    fc.constantFrom(
      'host',
      'content-length',
      'transfer-encoding',
      'connection',
      'authorization',
      'id',
      'type',
    ),
  );
  const wildEvent = fc.record({
    id: wild,
    source: wild,
    type: wild,
    subject: wild,
    time: wild,
    datacontenttype: wild,
    dataschema: wild,
    extensions: fc.dictionary(
      fc.oneof(names, fc.constantFrom('traceparent', 'tracestate')),
      fc.oneof(wild, fc.integer(), fc.boolean()),
    ),
    data: fc.constant(null),
  });
  fc.assert(
    fc.property(wildEvent, fc.constantFrom('binary', 'structured', 'batched'), (event, contentMode) => {
      const { headers } = createEncode({ contentMode })(event);
      const sent = headers.filter((_, at) => at % 2 === 0);
      const allowed = sent.every((name) =>
        /^(?:ce-[a-z0-9]+|content-type|traceparent|tracestate)$/.test(name),
      );
      const once = new Set(sent).size === sent.length;
      return allowed && once && headers.every((text) => /^[\x20-\x7e]*$/.test(text));
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('what is encoded is decoded to the same event', (t) => {
  fc.assert(
    fc.property(anyEvent, fc.constantFrom('binary', 'structured'), (event, contentMode) => {
      const { headers, body } = createEncode({ contentMode })(event);
      const reply = decodeReply(objectOf(headers), body ?? Buffer.alloc(0));
      if (reply.kind !== 'reply') throw new Error(JSON.stringify(reply));
      const implied = contentMode === 'structured' && reply.event.datacontenttype === 'application/json';
      const datacontenttype = implied ? 'application/json' : event.datacontenttype;
      t.strictSame({ ...reply.event, datacontenttype }, { ...event, datacontenttype });
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('the CloudEvents SDK reads the same from the same requests', (t) => {
  fc.assert(
    fc.property(anyEvent, fc.constantFrom('binary', 'structured'), (event, contentMode) => {
      const sent = {
        ...event,
        time: event.time ?? '2024-01-01T00:00:00.000Z',
        datacontenttype: 'text/plain',
      };
      sent.data = Buffer.from('some text');
      const { headers, body } = createEncode({ contentMode })(sent);
      const theirs = HTTP.toEvent({
        headers: objectOf(headers),
        body: String(body),
      }) as CloudEventV1<unknown>;
      // The SDK leaves percent-encoding to its user.
      const decoded = (value: unknown) =>
        contentMode === 'binary' ? decodeURIComponent(String(value)) : value;
      for (const name of ['id', 'source', 'type', ...Object.keys(event.extensions)]) {
        const ours = name in event.extensions ? event.extensions[name] : event[name as 'id'];
        t.equal(decoded(theirs[name]), ours, name);
      }
      t.equal(new Date(theirs.time ?? '').getTime(), new Date(sent.time).getTime());
      t.equal(theirs.datacontenttype, 'text/plain');
      t.equal(theirs.data, 'some text');
    }),
    { numRuns: 200 },
  );
  t.end();
});
