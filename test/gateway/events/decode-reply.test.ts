import fc from 'fast-check';
import t from 'tap';
import { decodeReply, type ResponseHeaders } from '../../../gateway/events/decode-reply.ts';
import { eventOf } from './build.ts';

const required = {
  'ce-specversion': '1.0',
  'ce-id': 'a-1',
  'ce-source': '/orders/eu',
  'ce-type': 'com.example.order.created',
};
const nothing = Buffer.alloc(0);

t.test('a plain answer is no reply', (t) => {
  const cases: [ResponseHeaders, string][] = [
    [{}, ''],
    [{}, 'OK'],
    [{ 'content-type': 'application/json', 'ce-region': 'eu' }, '{"id":"1"}'],
    [{ 'content-type': ['text/plain', 'text/html'] }, 'x'],
    [{ 'content-type': [] }, 'x'],
  ];
  for (const [headers, body] of cases)
    t.strictSame(decodeReply(headers, Buffer.from(body)), { kind: 'none' });
  t.end();
});

t.test('binary', (t) => {
  t.strictSame(decodeReply(required, nothing), { kind: 'reply', event: eventOf() });
  const headers = {
    ...required,
    'content-type': 'application/json',
    'content-length': '2',
    'ce-subject': 'Euro%20%E2%82%AC',
    'ce-time': '"2024-05-06T07:08:09Z"',
    'ce-region': 'eu',
    server: 'x',
  };
  t.strictSame(decodeReply(headers, Buffer.from('{}')), {
    kind: 'reply',
    event: eventOf({
      subject: 'Euro €',
      time: '2024-05-06T07:08:09Z',
      datacontenttype: 'application/json',
      extensions: { region: 'eu' },
      data: Buffer.from('{}'),
    }),
  });
  t.end();
});

t.test('structured', (t) => {
  const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  const json =
    '{"specversion":"1.0","id":"a-1","source":"/orders/eu","type":"com.example.order.created","kafkatopic":"x"}';
  t.strictSame(decodeReply(headers, Buffer.from(json)), {
    kind: 'reply',
    event: eventOf({ extensions: { kafkatopic: 'x' } }),
  });
  t.match(decodeReply(headers, nothing), { kind: 'invalid', reason: /not a JSON object/ });
  t.end();
});

t.test('what calls itself an event and is none is invalid', (t) => {
  const cases: [ResponseHeaders, RegExp][] = [
    [{ 'ce-specversion': '1.0' }, /id is missing/],
    [{ 'ce-id': '1' }, /specversion is missing/],
    [{ 'ce-source': '1' }, /specversion is missing/],
    [{ 'ce-type': '1' }, /specversion is missing/],
    [{ ...required, 'ce-specversion': '0.3' }, /0\.3/],
    [{ ...required, 'ce-time': 'noon' }, /RFC 3339/],
    [{ ...required, 'ce-id': ['1', '2'] }, /"ce-id" appears more than once/],
    [{ ...required, 'ce-region': '%FF' }, /"ce-region" is not percent-encoded text/],
    [{ ...required, 'ce-region': '%0A' }, /"ce-region" is not percent-encoded text/],
    [{ ...required, 'ce-foo-bar': 'x' }, /"ce-foo-bar" does not name an attribute/],
    [{ ...required, 'ce-data': 'x' }, /"ce-data" does not name an attribute/],
    [{ 'content-type': 'application/cloudevents-batch+json' }, /batch\+json" is not supported/],
  ];
  for (const [headers, reason] of cases) {
    t.match(decodeReply(headers, Buffer.from('[]')), { kind: 'invalid', reason }, String(reason));
  }
  t.end();
});

t.test('never throws', (t) => {
  const names = fc.oneof(fc.string(), fc.constantFrom('content-type', 'ce-id', 'ce-type', 'ce-x', 'ce-'));
  const values = fc.oneof(
    fc.string(),
    fc.array(fc.string()),
    fc.constantFrom('1.0', 'application/cloudevents+json', '%'),
  );
  fc.assert(
    fc.property(fc.dictionary(names, values), fc.uint8Array(), (headers, body) =>
      ['reply', 'none', 'invalid'].includes(decodeReply(headers, Buffer.from(body)).kind),
    ),
    { numRuns: 1_000 },
  );
  t.end();
});
