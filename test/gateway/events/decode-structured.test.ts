import fc from 'fast-check';
import t from 'tap';
import type { AttributeValue } from '../../../core/contract/event.ts';
import { decodeStructured } from '../../../gateway/events/decode-structured.ts';
import { encodeJson } from '../../../gateway/events/encode-json.ts';
import { anyEvent, eventOf } from './build.ts';

const least = '"specversion":"1.0","id":"a-1","source":"/orders/eu","type":"com.example.order.created"';

function decode(members: string, extensions: Record<string, AttributeValue> = {}) {
  return decodeStructured(Buffer.from(`{${least}${members === '' ? '' : `,${members}`}}`), extensions);
}

function decoded(members: string, extensions: Record<string, AttributeValue> = {}) {
  const result = decode(members, extensions);
  if (result.kind === 'undecodable') throw new Error(result.reason);
  return result.event;
}

t.test('attributes', (t) => {
  t.strictSame(decoded(''), eventOf());
  t.strictSame(
    decoded(
      '"subject":"gr\\u00f6\\u00dfe \\"€\\"","time":"2024-05-06T07:08:09Z","dataschema":"urn:x","region":"e\\\\u"',
    ),
    eventOf({
      subject: 'größe "€"',
      time: '2024-05-06T07:08:09Z',
      dataschema: 'urn:x',
      extensions: { region: 'e\\u' },
    }),
  );
  t.strictSame(decoded('"subject":null,"a":null').extensions, {}, 'null is not set');
  t.strictSame(
    decoded('"kafkatopic":"far","kafkaheadera":"x","region":"eu"', { kafkatopic: 'near', region: 'us' })
      .extensions,
    { kafkatopic: 'near', kafkaheadera: 'x', region: 'eu' },
    'what the record says of itself is kept',
  );
  t.end();
});

t.test('types of extensions', (t) => {
  const cases: [json: string, value: AttributeValue][] = [
    ['true', true],
    ['false', false],
    ['0', 0],
    ['-2147483648', -2147483648],
    ['2147483647', 2147483647],
    ['2147483648', '2147483648'],
    ['-2147483649', '-2147483649'],
    ['12345678901234567890', '12345678901234567890'],
    ['1.50', '1.50'],
    ['1e3', 1000],
    ['1e400', '1e400'],
    ['""', ''],
  ];
  for (const [json, value] of cases) t.equal(decoded(`"a":${json}`).extensions.a, value, json);
  t.end();
});

t.test('data', (t) => {
  const cases: [members: string, data: string | null, contentType: string | undefined][] = [
    [
      '"data":{"n":12345678901234567890, "x" : 1.10}',
      '{"n":12345678901234567890, "x" : 1.10}',
      'application/json',
    ],
    ['"data":"text"', '"text"', 'application/json'],
    ['"data":null', null, undefined],
    ['"data":1,"datacontenttype":"application/vnd.x+json"', '1', 'application/vnd.x+json'],
    ['"datacontenttype":"text/plain","data":"a\\nb€"', 'a\nb€', 'text/plain'],
    ['"datacontenttype":"text/plain","data":[1, 2]', '[1, 2]', 'text/plain'],
    ['"data_base64":"AGE="', '\u0000a', undefined],
    ['"data_base64":"","datacontenttype":"a/b"', '', 'a/b'],
    ['"data_base64":"AGE\\u003d","data":null', '\u0000a', undefined],
    ['"data_base64":null,"data":[]', '[]', 'application/json'],
    ['"data":1,"data":2', '2', 'application/json'],
  ];
  for (const [members, data, contentType] of cases) {
    const event = decoded(members);
    t.equal(event.data?.toString() ?? null, data, members);
    t.equal(event.datacontenttype, contentType, members);
  }
  t.end();
});

t.test('what is undecodable', (t) => {
  const cases: [members: string, reason: RegExp][] = [
    ['"a":[]', /"a" has a value that CloudEvents does not allow/],
    ['"a":{}', /"a" has a value/],
    ['"a":"\\u0000"', /"a" has a value/],
    ['"type":"\\ud800"', /"type" has a value/],
    ['"subject":1', /subject is not a string/],
    ['"fooBar":1', /"fooBar" may contain only lower-case/],
    ['"größe":"x"', /"größe" may contain only lower-case/],
    ['"data":1,"data_base64":""', /both data and data_base64/],
    ['"data_base64":1', /data_base64 is not/],
    ['"data_base64":"A"', /data_base64 is not/],
    ['"data_base64":"AG_="', /data_base64 is not/],
    ['"data_base64":"A==="', /data_base64 is not/],
    ['"time":"noon"', /RFC 3339/],
    ['"id":""', /id is missing/],
    ['"specversion":"0.3"', /0\.3/],
    ['"a":1}', /not a JSON object/],
  ];
  for (const [members, reason] of cases) {
    const result = decode(members);
    t.match(result, { kind: 'undecodable', reason }, members);
  }
  t.match(decodeStructured(Buffer.from('{}'), {}), { kind: 'undecodable', reason: /specversion is missing/ });
  t.match(decodeStructured(Buffer.alloc(0), {}), { kind: 'undecodable' });
  t.end();
});

t.test('never throws', (t) => {
  const members = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('data', 'data_base64', 'time')),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(members, (object) =>
      ['event', 'undecodable'].includes(decodeStructured(Buffer.from(JSON.stringify(object)), {}).kind),
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => decodeStructured(Buffer.from(bytes), {}).kind === 'undecodable'),
  );
  t.end();
});

t.test('what is encoded is decoded to the same event', (t) => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const result = decodeStructured(encodeJson(event), {});
      if (result.kind === 'undecodable') throw new Error(result.reason);
      const implied = result.event.datacontenttype === 'application/json';
      const datacontenttype = implied ? 'application/json' : event.datacontenttype;
      t.strictSame({ ...result.event, datacontenttype }, { ...event, datacontenttype });
    }),
    { numRuns: 300 },
  );
  t.end();
});
