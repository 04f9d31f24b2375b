// Against a real broker, with real members.
import t from 'tap';
import { createGroupStates } from '../../../../core/kafka/group/group-states.ts';
import { createTopic, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { join } from '../fixtures/member.ts';

t.setTimeout(120_000);

t.test('who is in a group, and has which partitions', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 3 });
  const consumerGroup = uniqueName('group');
  const asked: string[] = [];
  const connection = { brokers: servers.split(','), clientId: 'states' };
  const reader = createGroupStates({ connection, onRequest: (name) => asked.push(name) });
  t.teardown(() => reader.close());
  const never = uniqueName('never');
  const stateOf = async (group: string) => (await reader.read([group, never])).get(group);
  t.strictSame(await stateOf(never), { kind: 'read', rebalancing: false, members: [] });

  const settings = { topics: [topic], consumerGroup };
  const first = await join(t, settings);
  await join(t, settings);
  const state = await until(async () => {
    const found = await stateOf(consumerGroup);
    const ids =
      found?.kind === 'read' ? found.members.map(({ partitions }) => partitions.get(topic) ?? []) : [];
    return ids.length === 2 && ids.flat().length === 3 ? found : undefined;
  });
  t.match(state, { kind: 'read', rebalancing: false, members: [{ clientId: 'source-test' }, {}] });

  await first.source.stop();
  await until(async () => {
    const found = await stateOf(consumerGroup);
    return found?.kind === 'read' && found.members.length === 1;
  });
  asked.length = 0;
  await stateOf(consumerGroup);
  t.strictSame(asked, ['DescribeGroups'], 'once the coordinator is known');
});

t.test('a group that nobody is in any more', async (t) => {
  const servers = await useKafka(t);
  const group = uniqueName('group');
  const topic = await createTopic(t, servers, { partitions: 1 });
  await withAdmin(servers, (admin) =>
    admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] }),
  );
  const reader = createGroupStates({ connection: { brokers: servers.split(','), clientId: 'states' } });
  t.teardown(() => reader.close());
  t.match(
    (await reader.read([group])).get(group),
    { kind: 'read', members: [] },
    'it has offsets and nobody in it',
  );
});

t.test('no broker at all', async (t) => {
  const connection = { brokers: ['127.0.0.1:1'], clientId: 'states' };
  const reader = createGroupStates({ connection, timeoutMs: 1_000 });
  t.teardown(() => reader.close());
  const states = await reader.read(['a', 'b']);
  for (const group of ['a', 'b'])
    t.match(states.get(group), { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } });
  t.equal((await reader.read([])).size, 0);
});
