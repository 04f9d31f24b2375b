import fc from 'fast-check';
import t from 'tap';
import { encodeJson } from '../../../gateway/events/encode-json.ts';
import { encodeRecord, encodeStructuredRecord } from '../../../gateway/events/encode-record.ts';
import { anyEvent, eventOf, headersOf } from './build.ts';

const required = headersOf(
  ['ce_specversion', '1.0'],
  ['ce_id', 'a-1'],
  ['ce_source', '/orders/eu'],
  ['ce_type', 'com.example.order.created'],
);

t.test('binary', (t) => {
  t.strictSame(encodeRecord(eventOf()), { key: null, value: null, headers: required });
  t.strictSame(
    encodeRecord(
      eventOf({
        subject: 'größe',
        time: '2024-05-06T07:08:09Z',
        dataschema: 'urn:x',
        datacontenttype: 'a/b',
        extensions: { partitionkey: 'k', n: 7, yes: true },
        data: Buffer.from('x'),
      }),
    ),
    {
      key: Buffer.from('k'),
      value: Buffer.from('x'),
      headers: [
        ...required,
        ...headersOf(
          ['ce_subject', 'größe'],
          ['ce_time', '2024-05-06T07:08:09Z'],
          ['ce_dataschema', 'urn:x'],
          ['content-type', 'a/b'],
          ['ce_partitionkey', 'k'],
          ['ce_n', '7'],
          ['ce_yes', 'true'],
        ),
      ],
    },
  );
  t.end();
});

t.test('structured', (t) => {
  fc.assert(
    fc.property(anyEvent, fc.nat(), (event, partitionkey) => {
      const keyed = { ...event, extensions: { ...event.extensions, partitionkey } };
      t.strictSame(encodeStructuredRecord(keyed), {
        key: Buffer.from(String(partitionkey)),
        value: encodeJson(keyed),
        headers: headersOf(['content-type', 'application/cloudevents+json; charset=UTF-8']),
      });
    }),
    { numRuns: 20 },
  );
  t.end();
});
