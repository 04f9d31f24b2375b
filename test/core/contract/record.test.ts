import t from 'tap';
import { partitionName, recordBytes, type KafkaRecord } from '../../../core/contract/record.ts';

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
  t.equal(recordBytes(empty), 1_300);
});

t.test('key, value and headers are charged for, headers as objects too', async (t) => {
  const record = {
    ...empty,
    key: Buffer.from('ä'),
    value: Buffer.alloc(1000),
    headers: [
      { name: 'ab', value: Buffer.from('c') },
      { name: 'd', value: null },
      { name: '\ufffd', nameBytes: Buffer.of(0xe9, 0x80), value: null },
    ],
  };
  t.equal(recordBytes(record), 1_300 + 2 + 1000 + (240 + 3) + (240 + 1) + (240 + 3));
});

t.test('a partition is named as Kafka’s tools name it', async (t) => {
  t.equal(partitionName(empty), 'orders-3');
});
