import t from 'tap';
import type { OutgoingRecord } from '../../../core/contract/record-sink.ts';
import type { DeadLetterCause } from '../../../core/contract/settlement.ts';
import { deadLetterOf } from '../../../gateway/settlement/dead-letter.ts';
import { headersOf, recordOf } from '../events/build.ts';

const cause: DeadLetterCause = {
  reason: 'exhausted',
  detail: 'the function answered 500',
  status: 500,
  attempts: 11,
};

const textsOf = ({ headers }: OutgoingRecord) =>
  headers.map(({ name, value }) => [name, value?.toString() ?? null]);

t.test('the bytes of the record, and why and whence', async (t) => {
  const headers = headersOf(
    ['traceparent', '00-1'],
    ['tag', 'a'],
    ['tag', null],
    ['millrace-note', 'ours is not all'],
  );
  const record = recordOf({ key: Buffer.from([0xff, 0]), value: '{"mag":5}', headers, offset: 2n ** 60n });
  const letter = deadLetterOf(record, cause, 'geo/quake-alerts', 'orders.dead');
  t.equal(letter.topic, 'orders.dead');
  t.equal(letter.key, record.key);
  t.equal(letter.value, record.value);
  t.equal(letter.timestampMs, undefined, 'retention counts from now');
  t.strictSame(textsOf(letter), [
    ['traceparent', '00-1'],
    ['tag', 'a'],
    ['tag', null],
    ['millrace-note', 'ours is not all'],
    ['millrace-trigger', 'geo/quake-alerts'],
    ['millrace-topic', 'orders'],
    ['millrace-partition', '3'],
    ['millrace-offset', '1152921504606846976'],
    ['millrace-timestamp', '2024-05-06T12:53:20.007Z'],
    ['millrace-reason', 'exhausted'],
    ['millrace-detail', 'the function answered 500'],
    ['millrace-status', '500'],
    ['millrace-attempts', '11'],
  ]);
});

t.test('a record that was dead-lettered before has only its last cause in the headers', async (t) => {
  const first = deadLetterOf(recordOf({ key: null, value: null }), cause, 'geo/one', 'orders.dead');
  const again = { ...recordOf({ topic: 'orders.dead', offset: 7n }), headers: first.headers };
  const letter = deadLetterOf(
    again,
    { reason: 'expired', detail: 'too old', attempts: 0 },
    'geo/two',
    'dead.dead',
  );
  t.equal(letter.key, null);
  t.equal(letter.value, null);
  t.strictSame(Object.fromEntries(textsOf(letter)), {
    'millrace-trigger': 'geo/two',
    'millrace-topic': 'orders.dead',
    'millrace-partition': '3',
    'millrace-offset': '7',
    'millrace-timestamp': '2024-05-06T12:53:20.007Z',
    'millrace-reason': 'expired',
    'millrace-detail': 'too old',
    'millrace-attempts': '0',
  });
  t.equal(letter.headers.length, 8, 'no header of the first death is left, the status included');
});

t.test('a long detail is cut', async (t) => {
  const letter = deadLetterOf(recordOf({}), { ...cause, detail: 'x'.repeat(100_000) }, 'geo/one', 'dead');
  t.equal(
    new Map(letter.headers.map(({ name, value }) => [name, value])).get('millrace-detail')?.length,
    512,
  );
});

t.test('a timestamp that no calendar has stands as its number', async (t) => {
  const letter = deadLetterOf(recordOf({ timestampMs: 2 ** 53 }), cause, 'geo/one', 'dead');
  t.equal(Object.fromEntries(textsOf(letter))['millrace-timestamp'], '9007199254740992');
});

t.test('of a batch that cannot be read: which offsets it has, and how much of it is kept', async (t) => {
  const place = { topic: 'orders', partition: 3, offset: 20n };
  const batch = {
    ...place,
    lastOffset: 24n,
    why: 'its checksum is wrong',
    bytes: Buffer.from('abcdef'),
    size: 9,
  };
  const letterOf = (value: string, lastOffset: bigint | undefined) => {
    const skipped: DeadLetterCause = { reason: 'unreadable', detail: batch.why, attempts: 0 };
    const record = recordOf({ key: null, value, offset: 20n });
    const letter = deadLetterOf(record, skipped, 'geo/one', 'dead', { ...batch, lastOffset });
    return Object.fromEntries(textsOf(letter));
  };
  t.match(letterOf('abcdefghi', 24n), {
    'millrace-offset': '20',
    'millrace-last-offset': '24',
    'millrace-batch-bytes': '9',
    'millrace-reason': 'unreadable',
    'millrace-detail': 'its checksum is wrong',
  });
  const cut = letterOf('abcdef', undefined);
  t.match(cut, { 'millrace-detail': 'cut to the first 6 of 9 bytes; its checksum is wrong' });
  t.notOk('millrace-last-offset' in cut || 'millrace-timestamp' in cut);
  const none = { ...recordOf({ key: null, value: null }), value: null };
  const letter = deadLetterOf(none, cause, 'geo/one', 'dead', { ...batch, lastOffset: 24n });
  t.match(Object.fromEntries(textsOf(letter)), { 'millrace-detail': /^cut to the first 0 of 9 bytes; / });
});
