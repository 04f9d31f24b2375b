// The client's odd ways with headers; that its records are Kafka's is shown in record-source.test.ts.
import type { KafkaMessage } from 'kafkajs';
import t from 'tap';
import { toRecord } from '../../../../core/kafka/fetch/to-record.ts';

const message = (headers: unknown) => {
  const plain = {
    key: null,
    value: null,
    timestamp: '17',
    attributes: 0,
    offset: '9007199254740993',
    headers,
  };
  return toRecord('orders', 3, plain as unknown as KafkaMessage);
};

t.test('offsets are exact, headers are a list', async (t) => {
  t.strictSame(message(undefined), {
    topic: 'orders',
    partition: 3,
    offset: 9_007_199_254_740_993n,
    timestampMs: 17,
    key: null,
    value: null,
    headers: [],
  });
  t.strictSame(message({ a: Buffer.from('1'), b: [Buffer.from('2'), null], c: null, d: 'text' }).headers, [
    { name: 'a', value: Buffer.from('1') },
    { name: 'b', value: Buffer.from('2') },
    { name: 'b', value: null },
    { name: 'c', value: null },
    { name: 'd', value: Buffer.from('text') },
  ]);
});

t.test('a header that is named as something every object has', async (t) => {
  // What the client's decoder makes of one: it takes what is inherited for an earlier header of that name.
  const decode = (name: string) => {
    const inherited: Record<string, unknown> = {};
    return Object.defineProperty({}, name, { value: [inherited[name], Buffer.from('x')], enumerable: true });
  };
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    t.strictSame(message(decode(name)).headers, [{ name, value: Buffer.from('x') }], name);
  }
});
