// A client that crashes is still a member: whoever builds it anew goes on as the same one, and nobody else may be given what it
// has in the meantime.
import type { Kafka } from 'kafkajs';
import t from 'tap';
import { createKafka } from '../../../../core/kafka/connection/kafka-client.ts';
import { createGroupConsumer } from '../../../../core/kafka/group/group-consumer.ts';
import type { JoinedGroup } from '../../../../core/kafka/group/group-member.ts';
import { FairScheduler } from '../../../../core/kafka/fetch/fair-scheduler.ts';
import { createTopic, produce, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';

const silent = {
  owned: () => [],
  onJoined: () => undefined,
  onBatch: () => true,
  onMarkersOnly: () => undefined,
  onLeaseRenewed: () => undefined,
  onOutOfRange: () => undefined,
};

t.test('a crash does not leave the group', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const groupId = uniqueName('group');
  const member = createGroupConsumer({
    kafka: createKafka({ brokers: [bootstrapServers], clientId: 'test' }),
    scheduler: new FairScheduler(),
    groupId,
    membership: undefined,
    ...silent,
    onBatch: () => {
      throw Object.assign(new Error('broken'), { retriable: false });
    },
  });
  t.teardown(() => member.stop({ leave: true }));
  await member.start([topic]);
  await produce(bootstrapServers, topic, [{ value: 'x' }]);
  await t.rejects(member.crashed);
  const { groups } = await withAdmin(bootstrapServers, (admin) => admin.describeGroups([groupId]));
  t.equal(groups[0]?.members.length, 1);
});

t.test('a member whose join came to nothing is known by its id, and goes on as the same', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const groupId = uniqueName('group');
  const kafka = createKafka({ brokers: [bootstrapServers], clientId: 'test' });
  const unable: Pick<Kafka, 'consumer'> = {
    consumer: ({ partitionAssigners = [], ...settings }) =>
      kafka.consumer({
        ...settings,
        partitionAssigners: partitionAssigners.map((create) => (context) => ({
          ...create(context),
          assign: () => Promise.reject(Object.assign(new Error('broken'), { retriable: false })),
        })),
      }),
  };
  const options = { ...silent, scheduler: new FairScheduler(), groupId };
  const first = createGroupConsumer({ ...options, kafka: unable as Kafka, membership: undefined });
  await first.start([topic]);
  await t.rejects(first.crashed);
  await first.stop({ leave: false });

  const { membership } = first;
  const joined = Promise.withResolvers<JoinedGroup>();
  const second = createGroupConsumer({ ...options, kafka, membership, onJoined: joined.resolve });
  t.teardown(() => second.stop({ leave: true }));
  await second.start([topic]);
  t.match(await joined.promise, { memberId: membership?.memberId, isContinuous: true });
});
