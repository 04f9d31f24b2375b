import t from 'tap';
import { createHeadersToAttributes } from '../../../gateway/events/headers-to-attributes.ts';
import { createKnativeWrap, createWrap, type Wrap } from '../../../gateway/events/wrap.ts';
import { eventOf, headersOf, owner, recordOf, settings, type RecordContents } from './build.ts';

const readHeaders = createHeadersToAttributes();

function wrapped(wrap: Wrap, contents: RecordContents, extensions = {}) {
  const record = recordOf(contents);
  return wrap(record, readHeaders(record, extensions, 'carry'), String(record.offset));
}

t.test('as Millrace does', (t) => {
  const wrap = createWrap(settings, 'main');
  t.strictSame(
    wrapped(wrap, { key: 'k', value: '{}' }),
    eventOf({
      id: 'partition:3/offset:42',
      source: '/kafka/main/orders',
      type: 'dev.millrace.record',
      subject: 'k',
      time: '2024-05-06T12:53:20.007Z',
      datacontenttype: 'application/json',
      data: Buffer.from('{}'),
    }),
  );
  t.equal(wrapped(wrap, { topic: 'other' }).source, '/kafka/main/other');
  t.equal(wrapped(wrap, { topic: 'orders' }).source, '/kafka/main/orders');
  const fixed = createWrap({ ...settings, source: '/fixed' }, 'main');
  t.equal(wrapped(fixed, { topic: 'other' }).source, '/fixed');
  t.end();
});

t.test('the subject is the key where it is text', (t) => {
  const wrap = createWrap(settings, 'main');
  for (const key of [null, '', Buffer.from([0xff]), 'a\nb'])
    t.equal(wrapped(wrap, { key }).subject, undefined);
  t.equal(wrapped(wrap, { key: 'größe' }).subject, 'größe');
  t.end();
});

t.test('the content type', (t) => {
  const wrap = createWrap(settings, 'main');
  const cases: [value: string | Buffer | null, header: string | null, contentType: string | undefined][] = [
    ['{"a":1}', null, 'application/json'],
    ['1', null, 'application/json'],
    ['{"a":1', null, 'application/octet-stream'],
    ['hello', null, 'application/octet-stream'],
    ['', null, 'application/octet-stream'],
    [Buffer.from([0x22, 0xff, 0x22]), null, 'application/octet-stream'],
    ['{"a":1}', 'text/plain', 'text/plain'],
    [null, null, undefined],
    [null, 'text/plain', 'text/plain'],
  ];
  for (const [value, header, contentType] of cases) {
    const headers = header === null ? [] : headersOf(['content-type', header]);
    const event = wrapped(wrap, { value, headers });
    t.equal(event.datacontenttype, contentType, `${String(value)} ${String(header)}`);
    t.equal(event.data === null, value === null);
  }
  t.end();
});

t.test('the time', (t) => {
  const wrap = createWrap(settings, 'main');
  const cases: [timestampMs: number, time: string | undefined][] = [
    [0, '1970-01-01T00:00:00.000Z'],
    [1_715_000_000_999, '2024-05-06T12:53:20.999Z'],
    [1_715_000_000_000, '2024-05-06T12:53:20.000Z'],
    [1_715_000_000_045, '2024-05-06T12:53:20.045Z'],
    [1_715_000_001_100, '2024-05-06T12:53:21.100Z'],
    [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
    [253_402_300_800_000, undefined],
    [-1, undefined],
    [Number.NaN, undefined],
  ];
  for (const [timestampMs, time] of cases)
    t.equal(wrapped(wrap, { timestampMs }).time, time, String(timestampMs));
  t.end();
});

t.test("as Knative's KafkaSource does", (t) => {
  const wrap = createKnativeWrap(settings, owner);
  t.strictSame(
    wrapped(
      wrap,
      {
        key: 'k',
        value: '{"value":5}',
        headers: headersOf(
          ['Content-Type', 'Application/JSON'],
          ['foo', 'bar'],
          ['traceparent', 'p'],
          ['tracestate', 's'],
        ),
      },
      { partitionkey: 'k' },
    ),
    eventOf({
      id: 'partition:3/offset:42',
      source: '/apis/v1/namespaces/geo/kafkasources/quake-alerts#orders',
      type: 'dev.knative.kafka.event',
      subject: 'partition:3#42',
      time: '2024-05-06T12:53:20.007Z',
      datacontenttype: 'application/json',
      extensions: {
        partitionkey: 'k',
        kafkaheaderfoo: 'bar',
        key: 'k',
        kafkaheadertraceparent: 'p',
        kafkaheadertracestate: 's',
      },
      data: Buffer.from('{"value":5}'),
    }),
  );
  const bare = wrapped(wrap, { value: '{}' });
  t.strictSame(bare.extensions, {}, 'no key, no extension');
  t.equal(bare.datacontenttype, undefined, 'no header, no type');
  t.equal(wrapped(createKnativeWrap({ ...settings, source: '/fixed' }, owner), {}).source, '/fixed');
  t.end();
});
