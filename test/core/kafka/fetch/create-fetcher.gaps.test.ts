// Logs with holes: what compaction took, and a batch that cannot be read. No fetch is spent on offsets that are not there.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startLocalKafka } from '../../../../cli/kafka/local-kafka.ts';
import { flipByte } from '../../../fixtures/kafka/corrupt-log.ts';
import { createTopic, produce } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openFetcher } from '../fixtures/fetching.ts';

t.setTimeout(120_000);
const dir = await mkdtemp(join(tmpdir(), 'millrace-gaps-'));
const kafka = await startLocalKafka({
  dir,
  properties: { 'log.cleaner.backoff.ms': '50', 'log.retention.check.interval.ms': '100' },
});
t.teardown(async () => {
  await kafka.stop();
  await rm(dir, { recursive: true, force: true });
});
const servers = kafka.bootstrapServers;

t.test(
  'a batch of which compaction has taken the last 1,999 offsets costs a handful of fetches',
  async (t) => {
    const configs = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.bytes': '1048576',
      'segment.ms': '100',
    };
    const topic = await createTopic(t, servers, { partitions: 1, configs });
    const all = Array.from({ length: 2_000 }, (_, index) => ({
      ...{ key: index === 0 ? 'first' : 'same', value: `${index}` },
    }));
    await produce(servers, topic, all);
    const { follow, fetches } = openFetcher(t, servers);
    // What is written last is in a segment of its own, which is not compacted.
    for (;;) {
      await produce(servers, topic, [{ key: 'same', value: 'x' }]);
      const { length } = fetches;
      const followed = follow({ topic, partition: 0 });
      await until(() => followed.values.includes('x') && followed.found.at(-1)!.nextOffset >= 2_001n);
      followed.fetch.close();
      if (followed.values.length > 1_000) continue;
      const asked = fetches.slice(length).length;
      t.ok(asked < 10, `${asked} fetches`);
      t.equal(followed.values[0], '0', 'the first of the batch is left');
      break;
    }
  },
);

t.test('a batch that cannot be read is told of, again after a seek, and passed by one', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 2 });
  for (const value of ['a', 'b', 'c']) await produce(servers, topic, [{ partition: 0, value }]);
  const bytes = await flipByte({ dir, topic, partition: 0, offset: 1n });
  const { follow } = openFetcher(t, servers);
  const [damaged, other] = [follow({ topic, partition: 0 }), follow({ topic, partition: 1 })];
  await until(() => damaged.unreadable.length === 1);
  const place = { offset: 1n, nextOffset: 2n, why: /CRC-32C/, bytes, size: bytes.length };
  t.match(damaged.unreadable, [place]);
  t.match(damaged.troubles, [{ code: 'MILLRACE_KAFKA_BATCH_UNREADABLE' }]);
  await produce(servers, topic, [{ partition: 1, value: 'd' }]);
  await until(() => other.values.length === 1);
  t.strictSame(damaged.values, ['a']);

  damaged.fetch.seek(1n);
  await until(() => damaged.unreadable.length === 2);
  t.match(damaged.unreadable[1], place, 'whoever seeks may not know any more');
  damaged.fetch.seek(2n);
  await until(() => damaged.values.length === 2 && damaged.troubles.length === 3);
  t.strictSame([damaged.values, damaged.troubles[2]], [['a', 'c'], undefined]);
});

t.test('of a large batch, as much is kept as fits into a record', async (t) => {
  const configs = { 'max.message.bytes': '4000000' };
  const topic = await createTopic(t, servers, { partitions: 1, configs });
  await produce(servers, topic, [{ value: randomBytes(2_000_000) }]);
  const stored = await flipByte({ dir, topic, partition: 0, offset: 0n });
  const { follow } = openFetcher(t, servers);
  const damaged = follow({ topic, partition: 0 });
  await until(() => damaged.unreadable.length === 1);
  const [place] = damaged.unreadable;
  t.equal(place?.size, stored.length);
  t.ok(place?.bytes.equals(stored.subarray(0, 1_000_000)));
});
