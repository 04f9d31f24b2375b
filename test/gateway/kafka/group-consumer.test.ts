// A client that crashes is still a member: whoever builds it anew goes on as the same one, and nobody else may be given what it
// has in the meantime.
import t from 'tap';
import { createKafka } from '../../../gateway/kafka/connection.ts';
import { createGroupConsumer } from '../../../gateway/kafka/group-consumer.ts';
import { Turns } from '../../../gateway/kafka/turns.ts';
import { createTopic, produce, uniqueName, useKafka, withAdmin } from '../../fixtures/kafka.ts';

t.test('a crash does not leave the group', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const groupId = uniqueName('group');
  const member = createGroupConsumer({
    kafka: createKafka({ brokers: [bootstrapServers], clientId: 'test' }),
    turns: new Turns(),
    groupId,
    membership: undefined,
    owned: () => [],
    onJoined: () => undefined,
    onBatch: () => {
      throw Object.assign(new Error('broken'), { retriable: false });
    },
    onMarkersOnly: () => undefined,
    onLeaseRenewed: () => undefined,
    onOutOfRange: () => undefined,
  });
  t.teardown(() => member.stop({ leave: true }));
  await member.start([topic]);
  await produce(bootstrapServers, topic, [{ value: 'x' }]);
  await t.rejects(member.crashed);
  const { groups } = await withAdmin(bootstrapServers, (admin) => admin.describeGroups([groupId]));
  t.equal(groups[0]?.members.length, 1);
});
