// Offsets of a group that nobody is in outlive the retention of the broker when they are kept, and not otherwise.
import t from 'tap';
import { keepOffsets } from '../../../../core/kafka/offsets/keep-offsets.ts';
import { readOffsets } from '../../../../core/kafka/offsets/read-offsets.ts';
import {
  createTopic,
  ownKafka,
  produce,
  uniqueName,
  useKafka,
  withAdmin,
} from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { join, values } from '../fixtures/member.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(300_000);
const settings = (topic: string, group: string) => ({
  topics: [topic],
  consumerGroup: group,
  initialOffset: 'earliest' as const,
});

t.test('what is kept outlives `offsets.retention.minutes`, to the letter of its mark', async (t) => {
  const properties = {
    'offsets.retention.minutes': '1',
    'offsets.retention.check.interval.ms': '1000',
  };
  const servers = (await ownKafka(t, { properties })).bootstrapServers;
  const topic = await createTopic(t, servers, { partitions: 2 });
  await produce(servers, topic, values(10));
  const [kept, left] = [uniqueName('kept'), uniqueName('left')];
  const member = await join(t, settings(topic, kept), undefined, servers);
  await until(() => member.records_.length === 10);
  const metadata = member.starts[0]!.metadata;
  await member.source.commit([{ topic, partition: 0, offset: 7n, metadata }]);
  await member.source.stop();
  await withAdmin(servers, (admin) =>
    admin.setOffsets({ groupId: left, topic, partitions: [{ partition: 0, offset: '7' }] }),
  );
  const opened = openConnections(t, servers);
  const committed = async (group: string) => {
    const [result] = await readOffsets([{ group, topics: [topic] }], opened);
    if (result?.kind !== 'read') throw new Error('not read', { cause: result?.error });
    return result.partitions.map((one) => one.committed && [one.committed.offset, one.committed.metadata]);
  };
  const before = await committed(kept);
  t.match(before, [
    [7n, /^mr2\./],
    [0n, /^mr2\./],
  ]);
  const outcome = await keepOffsets(kept, { ...opened, deadlineMs: performance.now() + 20_000 });
  t.equal(outcome.kind, 'kept');
  await until(async () => (await committed(left)).every((one) => one === undefined), 150_000);
  // The check that has taken those would have taken these.
  t.strictSame(await committed(kept), before);
});

t.test('a group with members is left alone; one that has nothing too', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(5));
  const group = uniqueName('used');
  const opened = openConnections(t, servers);
  const keep = (known?: string) =>
    keepOffsets(group, { ...opened, deadlineMs: performance.now() + 20_000, known });
  await until(async () => (await keep()).kind === 'nothing');
  const member = await join(t, settings(topic, group));
  await until(() => member.records_.length === 5);
  t.strictSame(await keep(), { kind: 'in use' });
  await member.source.stop();
  const kept = await keep();
  t.match(kept, { kind: 'kept', text: new RegExp(`^${topic}-0 0 mr2`) });
  t.strictSame(await keep(kept.kind === 'kept' ? kept.text : ''), kept, 'nothing new, nothing to say');
});
