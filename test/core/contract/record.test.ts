import t from 'tap';
import { ownBytes, partitionName, recordBytes, type KafkaRecord } from '../../../core/contract/record.ts';

const empty: KafkaRecord = {
  topic: 'orders',
  partition: 3,
  offset: 7n,
  timestampMs: 0,
  key: null,
  value: null,
  headers: [],
};

t.test('a record without contents is charged for its overhead', async (t) => {
  t.equal(recordBytes(empty), 512);
});

t.test('key, value and headers are charged for in bytes', async (t) => {
  const record = {
    ...empty,
    key: Buffer.from('ä'),
    value: Buffer.alloc(1000),
    headers: [
      { name: 'ab', value: Buffer.from('c') },
      { name: 'd', value: null },
    ],
  };
  t.equal(recordBytes(record), 512 + 2 + 1000 + 3 + 1);
});

t.test('a record that owns its bytes keeps none of its batch', async (t) => {
  const batch = Buffer.from('key value header');
  const headers = [
    { name: 'a', value: batch.subarray(10) },
    { name: 'b', value: null },
  ];
  const record = { ...empty, key: batch.subarray(0, 3), value: batch.subarray(4, 9), headers };
  ownBytes(record);
  batch.fill(0);
  t.equal(record.key.toString(), 'key');
  t.equal(record.value.toString(), 'value');
  t.strictSame(
    record.headers.map(({ name, value }) => [name, value?.toString()]),
    [
      ['a', 'header'],
      ['b', undefined],
    ],
  );
  const hollow = { ...empty };
  ownBytes(hollow);
  t.strictSame(hollow, empty);
});

t.test('a partition is named as Kafka’s tools name it', async (t) => {
  t.equal(partitionName(empty), 'orders-3');
});
