import { Kafka, type CloudEventV1 } from 'cloudevents';
import fc from 'fast-check';
import t from 'tap';
import { attributeOf } from '../../../core/contract/event.ts';
import { createDecode } from '../../../gateway/events/decode.ts';
import { createEncode, createEncodeBinary } from '../../../gateway/events/encode.ts';
import { encodeRecord, encodeStructuredRecord } from '../../../gateway/events/encode-record.ts';
import {
  anyEvent,
  anyRecord,
  eventOf,
  headersOf,
  origin,
  owner,
  recordOf,
  settings,
  type RecordContents,
} from './build.ts';

const decode = createDecode(settings, 'main', owner);
const required = headersOf(
  ['ce_specversion', '1.0'],
  ['ce_id', 'a-1'],
  ['ce_source', '/orders/eu'],
  ['ce_type', 'com.example.order.created'],
);
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function decoded(contents: RecordContents) {
  const result = decode(recordOf(contents));
  if (result.kind === 'undecodable') throw new Error(result.reason);
  return result.event;
}

t.test('a record with ce_ headers is a binary event', (t) => {
  t.strictSame(
    decoded({
      key: 'customer-7',
      value: '{"n":1}',
      headers: [
        ...required,
        ...headersOf(
          ['ce_time', '2024-05-06T07:08:09.123+02:00'],
          ['ce_subject', 'größe'],
          ['ce_dataschema', 'urn:schema'],
          ['ce_region', 'eu'],
          ['content-type', 'application/json'],
          ['X-Retry-Count', '2'],
        ),
      ],
    }),
    eventOf({
      subject: 'größe',
      time: '2024-05-06T07:08:09.123+02:00',
      datacontenttype: 'application/json',
      dataschema: 'urn:schema',
      extensions: { ...origin, region: 'eu', kafkaheaderxretrycount: '2', partitionkey: 'customer-7' },
      data: Buffer.from('{"n":1}'),
    }),
  );
  t.end();
});

t.test('headers of binary events', (t) => {
  const cases: [
    what: string,
    headers: [string, string | Buffer | null][],
    attribute: string,
    value: unknown,
  ][] = [
    ['an attribute name in capitals', [['ce_Region', 'eu']], 'region', 'eu'],
    ['an empty optional attribute is not set', [['ce_subject', '']], 'subject', undefined],
    ['a null attribute is not set', [['ce_region', null]], 'region', undefined],
    [
      'the last of several',
      [
        ['ce_region', 'eu'],
        ['ce_region', 'us'],
      ],
      'region',
      'us',
    ],
    ['the prefix in capitals is no prefix', [['CE_region', 'eu']], 'kafkaheaderceregion', 'eu'],
    [
      'ce_datacontenttype where there is no content-type',
      [['ce_datacontenttype', 'a/b']],
      'datacontenttype',
      'a/b',
    ],
    [
      'content-type goes before',
      [
        ['CONTENT-TYPE', 'c/d'],
        ['ce_datacontenttype', 'a/b'],
      ],
      'datacontenttype',
      'c/d',
    ],
    ['what Millrace sets itself', [['ce_kafkaoffset', '7']], 'kafkaoffset', '42'],
    ['partitionkey without a key', [['ce_partitionkey', 'k']], 'partitionkey', 'k'],
    ['another header without a value', [['tombstone', null]], 'kafkaheadertombstone', ''],
    ['another header that is no UTF-8', [['n', Buffer.from([0xff])]], 'kafkaheadernbase64', '/w=='],
    ['another header with control characters', [['n', 'a\r\nb']], 'kafkaheadernbase64', 'YQ0KYg=='],
    ['traceparent passes as itself', [['TraceParent', traceparent]], 'traceparent', traceparent],
    [
      'tracestate goes with it',
      [
        ['traceparent', traceparent],
        ['tracestate', 'a=1'],
      ],
      'tracestate',
      'a=1',
    ],
    ['tracestate does not go alone', [['tracestate', 'a=1']], 'tracestate', undefined],
    [
      'the own traceparent stays',
      [
        ['ce_traceparent', 'own'],
        ['traceparent', traceparent],
      ],
      'traceparent',
      'own',
    ],
    ['a broken traceparent', [['traceparent', '\u0000']], 'kafkaheadertraceparentbase64', 'AA=='],
  ];
  for (const [what, headers, attribute, value] of cases) {
    t.equal(
      attributeOf(decoded({ headers: [...required, ...headersOf(...headers)] }), attribute),
      value,
      what,
    );
  }
  t.end();
});

t.test('the key is the partitionkey', (t) => {
  const cases: [what: string, key: Buffer | null, partitionkey: unknown][] = [
    ['text', Buffer.from('k-1'), 'k-1'],
    ['bytes', Buffer.from([0, 0, 0, 7]), 'AAAABw=='],
    ['nothing', null, undefined],
    ['an empty text', Buffer.alloc(0), undefined],
  ];
  for (const [what, key, partitionkey] of cases) {
    t.equal(decoded({ key }).extensions.partitionkey, partitionkey, what);
  }
  t.equal(
    decoded({ key: 'k', headers: [...required, ...headersOf(['ce_partitionkey', 'other'])] }).extensions
      .partitionkey,
    'k',
  );
  t.end();
});

t.test('what calls itself a CloudEvent and is none is undecodable', (t) => {
  const without = (name: string) => required.filter((header) => header.name !== name);
  const cases: [RecordContents, RegExp][] = [
    [{ headers: without('ce_specversion') }, /specversion is missing/],
    [{ headers: without('ce_id') }, /id is missing/],
    [{ headers: without('ce_source') }, /source is missing/],
    [{ headers: without('ce_type') }, /type is missing/],
    [{ headers: headersOf(['ce_id', Buffer.from([0xff])]) }, /"ce_id" is not UTF-8 text/],
    [{ headers: headersOf(['ce_id', null]) }, /specversion is missing/],
    [
      { headers: [...without('ce_specversion'), ...headersOf(['ce_specversion', '0.3'])] },
      /"0.3", not "1.0"/,
    ],
    [
      { headers: [...required, ...headersOf(['ce_time', 'yesterday'])] },
      /"yesterday" is not an RFC 3339 timestamp/,
    ],
    [
      { headers: [...required, ...headersOf(['ce_foo-bar', 'x'])] },
      /"ce_foo-bar" does not name an attribute/,
    ],
    [{ headers: [...required, ...headersOf(['ce_data', 'x'])] }, /"ce_data" does not name an attribute/],
    [
      { headers: [...required, ...headersOf(['ce_a', Buffer.from([0xc0, 0xa0])])] },
      /"ce_a" is not UTF-8 text/,
    ],
    [{ headers: [...required, ...headersOf(['ce_a', 'x\r\nhost: y'])] }, /"ce_a" is not UTF-8 text/],
    [
      { headers: [...required, ...headersOf(['content-type', '\u0001'])] },
      /"content-type" is not UTF-8 text/,
    ],
    [
      { value: '', headers: headersOf(['content-type', 'application/cloudevents+avro']) },
      /cloudevents\+avro" is not supported/,
    ],
    [
      { value: '[]', headers: headersOf(['content-type', 'application/cloudevents-batch+json']) },
      /not supported/,
    ],
    [
      { value: '[]', headers: headersOf(['content-type', 'application/cloudevents+json']) },
      /not a JSON object/,
    ],
  ];
  for (const [contents, reason] of cases) {
    const result = decode(recordOf(contents));
    t.match(result, { kind: 'undecodable', reason }, String(reason));
  }
  t.end();
});

t.test('a record with a CloudEvents content type is structured', (t) => {
  const json =
    '{"specversion":"1.0","id":"1","source":"s","type":"t","region":"eu","kafkatopic":"far","data":{"n":1}}';
  const contentType = headersOf(['Content-Type', 'Application/CloudEvents+JSON; charset=UTF-8']);
  const expected = eventOf({
    id: '1',
    source: 's',
    type: 't',
    datacontenttype: 'application/json',
    extensions: { ...origin, region: 'eu', partitionkey: 'k', traceparent },
    data: Buffer.from('{"n":1}'),
  });
  const trace = headersOf(['traceparent', traceparent]);
  t.strictSame(decoded({ key: 'k', value: json, headers: [...contentType, ...trace] }), expected);
  t.strictSame(
    decoded({
      key: 'k',
      value: json,
      headers: [...required, ...headersOf(['ce_other', 'x']), ...contentType, ...trace],
    }),
    expected,
    'ce_ headers repeat the envelope and do not count',
  );
  t.strictSame(
    decoded({ headers: [...contentType, ...headersOf(['foo', 'bar'])] }).extensions,
    { ...origin, kafkaheaderfoo: 'bar' },
    'a tombstone is wrapped',
  );
  t.end();
});

t.test('any other record is wrapped', (t) => {
  const event = decoded({
    key: 'k',
    value: ' {"n":1}\n',
    headers: headersOf(['foo', 'bar'], ['ce_region', 'eu'], ['ce_kafkatopic', 'far'], ['ce_a-b', '\u0000']),
  });
  t.strictSame(
    event,
    eventOf({
      id: 'partition:3/offset:42',
      source: '/kafka/main/orders',
      type: 'dev.millrace.record',
      subject: 'k',
      time: '2024-05-06T12:53:20.007Z',
      datacontenttype: 'application/json',
      extensions: {
        ...origin,
        kafkaheaderfoo: 'bar',
        kafkaheaderceregion: 'eu',
        kafkaheadercekafkatopic: 'far',
        kafkaheaderceabbase64: 'AA==',
        partitionkey: 'k',
      },
      data: Buffer.from(' {"n":1}\n'),
    }),
  );
  t.equal(decoded({ offset: 2n ** 60n }).id, `partition:3/offset:${2n ** 60n}`, 'offsets lose no digit');
  t.equal(
    decoded({ headers: headersOf(['content-type', '\u0001']) }).extensions.kafkaheadercontenttypebase64,
    'AQ==',
  );
  t.end();
});

t.test('the dialect knative wraps as the KafkaSource does, and leaves CloudEvents alone', (t) => {
  const knative = createDecode({ type: 'x', dialect: 'knative' }, 'main', owner);
  const wrapped = knative(recordOf({ key: 'k', value: '1', headers: headersOf(['foo', 'bar']) }));
  t.match(wrapped, {
    kind: 'event',
    event: {
      type: 'dev.knative.kafka.event',
      source: '/apis/v1/namespaces/geo/kafkasources/quake-alerts#orders',
    },
  });
  t.strictSame(wrapped.kind === 'event' && wrapped.event.extensions, {
    kafkaheaderfoo: 'bar',
    partitionkey: 'k',
    key: 'k',
  });
  const binary = knative(recordOf({ headers: required }));
  t.strictSame(binary.kind === 'event' && binary.event.extensions, origin);
  t.end();
});

t.test('a thousand and one names are still read right', (t) => {
  const many = createDecode(settings, 'main', owner);
  for (let n = 0; n < 1_010; n += 1) {
    const result = many(recordOf({ headers: headersOf([`Name-${n}`, 'x']) }));
    t.equal(result.kind === 'event' && result.event.extensions[`kafkaheadername${n}`], 'x');
  }
  t.end();
});

t.test('no record makes the decoder throw, and every event can be sent', (t) => {
  const encode = createEncodeBinary();
  fc.assert(
    fc.property(anyRecord, fc.constantFrom('millrace', 'knative'), (record, dialect) => {
      const result = createDecode({ type: 't', dialect }, 'main', owner)(record);
      if (result.kind === 'undecodable') return result.reason !== '';
      const { headers } = encode(result.event);
      return result.event.id !== '' && headers.every((text) => /^[\x20-\x7e]*$/.test(text));
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('a value that is nested as deeply as a record may be is an event, and can be sent', (t) => {
  const nested = '['.repeat(400_000) + ']'.repeat(400_000);
  const structured = `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${nested}}`;
  const headers = headersOf(['content-type', 'application/cloudevents+json']);
  for (const record of [recordOf({ value: nested }), recordOf({ value: structured, headers })]) {
    const result = decode(record);
    if (result.kind === 'undecodable') throw new Error(result.reason);
    for (const contentMode of ['binary', 'structured', 'batched'] as const)
      t.ok(createEncode({ contentMode })(result.event).body?.includes(nested));
  }
  t.end();
});

t.test('what is encoded for Kafka is decoded to the same event', (t) => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const result = decode(recordOf({ ...encodeRecord(event), headers: [...encodeRecord(event).headers] }));
      if (result.kind === 'undecodable') throw new Error(result.reason);
      t.strictSame(result.event, { ...event, extensions: { ...origin, ...event.extensions } });
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('the CloudEvents SDK reads the same from the same records', (t) => {
  const attributes = (event: CloudEventV1<unknown>) => [
    event.id,
    event.source,
    event.type,
    event.subject,
    event.dataschema,
  ];
  fc.assert(
    fc.property(anyEvent, fc.boolean(), (event, structured) => {
      const complete = {
        ...event,
        time: event.time ?? '2024-01-01T00:00:00.000Z',
        data: event.data ?? Buffer.from('1'),
      };
      complete.datacontenttype = 'text/plain';
      const parts = structured ? encodeStructuredRecord(complete) : encodeRecord(complete);
      const headers = Object.fromEntries(parts.headers.map(({ name, value }) => [name, String(value)]));
      const value = structured ? String(parts.value) : (parts.value ?? undefined);
      const theirs = Kafka.toEvent({
        headers,
        key: 'k',
        value,
        body: value,
      } as never) as CloudEventV1<unknown>;
      const ours = decode(recordOf({ key: 'k', value: parts.value, headers: [...parts.headers] }));
      if (ours.kind === 'undecodable') throw new Error(ours.reason);
      t.strictSame(attributes(theirs), attributes(ours.event as never));
      t.equal(new Date(theirs.time ?? '').getTime(), new Date(ours.event.time ?? '').getTime());
      for (const name of Object.keys(event.extensions)) t.equal(theirs[name], ours.event.extensions[name]);
    }),
    { numRuns: 200 },
  );
  t.end();
});
