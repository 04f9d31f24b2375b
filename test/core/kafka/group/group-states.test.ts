// Against a real broker, with real members.
import t from 'tap';
import { readGroupStates } from '../../../../core/kafka/group/group-states.ts';
import { createTopic, kafkaClient, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { join } from '../fixtures/member.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(120_000);

t.test('who is in a group, and has which partitions', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 3 });
  const consumerGroup = uniqueName('group');
  const asked: string[] = [];
  const open = openConnections(t, servers, { onRequest: (name) => asked.push(name) });
  const never = uniqueName('never');
  const stateOf = async (group: string) => (await readGroupStates(new Set([group, never]), open)).get(group);
  t.strictSame(await stateOf(never), { kind: 'read', rebalancing: false, members: [] });

  const settings = { topics: [topic], consumerGroup };
  const first = await join(t, settings);
  await join(t, settings);
  const state = await until(async () => {
    const found = await stateOf(consumerGroup);
    const ids =
      found?.kind === 'read' ? found.members.map(({ partitions }) => partitions.get(topic) ?? []) : [];
    const isShared = ids.length === 2 && ids.flat().length === 3;
    return isShared && found?.kind === 'read' && !found.rebalancing ? found : undefined;
  });
  t.match(state, { kind: 'read', rebalancing: false, members: [{ clientId: 'source-test' }, {}] });

  await first.source.stop();
  await until(async () => {
    const found = await stateOf(consumerGroup);
    return found?.kind === 'read' && found.members.length === 1;
  });
  asked.length = 0;
  await stateOf(consumerGroup);
  t.strictSame(asked, ['DescribeGroups', 'ConsumerGroupDescribe'], 'once the coordinator is known');

  const classic = kafkaClient(servers).consumer({ groupId: never });
  t.teardown(() => classic.disconnect());
  await classic.connect();
  await classic.subscribe({ topic });
  await classic.run({ eachMessage: () => Promise.resolve() });
  await until(async () => {
    asked.length = 0;
    const found = await stateOf(never);
    return found?.kind === 'read' && found.members.length === 1 && !found.rebalancing;
  });
  t.strictSame(asked, ['DescribeGroups'], 'all that a group of the classic protocol needs');
});

t.test('a group that nobody is in any more', async (t) => {
  const servers = await useKafka(t);
  const group = uniqueName('group');
  const topic = await createTopic(t, servers, { partitions: 1 });
  await withAdmin(servers, (admin) =>
    admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] }),
  );
  const open = openConnections(t, servers);
  t.match(
    (await readGroupStates(new Set([group]), open)).get(group),
    { kind: 'read', members: [] },
    'it has offsets and nobody in it',
  );
});

t.test('no broker at all', async (t) => {
  const open = openConnections(t, '127.0.0.1:1');
  const states = await readGroupStates(new Set(['a', 'b']), { ...open, timeoutMs: 1_000 });
  for (const group of ['a', 'b'])
    t.match(states.get(group), { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } });
  t.equal((await readGroupStates(new Set(), open)).size, 0);
});
