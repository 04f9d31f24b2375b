// Membership by the consumer protocol (KIP-848), against a real broker: what is special to it.
import t, { type Test } from 'tap';
import { createConsumerMembership } from '../../../../core/kafka/group/consumer-membership.ts';
import type { Connections } from '../../../../core/kafka/connection/broker-connections.ts';
import type { BrokerAddress, KafkaRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { groupHeartbeatRequest, leavingEpoch } from '../../../../core/kafka/group/consumer-requests.ts';
import { GroupCoordinator } from '../../../../core/kafka/group/coordinator/group-coordinator.ts';
import { conform } from './membership-conformance.ts';
import { createTopic, ownKafka, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { committedIn } from '../fixtures/member.ts';
import { openConnections, type OpenOptions } from '../fixtures/offsets.ts';
import { Owners, startMember, type MemberEnvironment } from './fixtures/test-member.ts';

t.setTimeout(600_000);

conform(t, {
  create: createConsumerMembership,
  spreads: false,
  async remove(t, servers, groupId, { memberId }) {
    const { connections, topology } = openConnections(t, servers);
    const farewell = { groupId, memberId, epoch: leavingEpoch, state: undefined };
    const limits = { tryMs: 5_000, patienceMs: 5_000 };
    await new GroupCoordinator({ connections, topology, groupId }).ask(groupHeartbeatRequest(farewell), {
      codeOf: ({ errorCode }) => errorCode,
      ...limits,
    });
  },
});

async function openGroup(t: Test, servers: string, options: OpenOptions = {}, partitions = 4) {
  const topic = await createTopic(t, servers, { partitions });
  const groupId = uniqueName('group');
  const create = createConsumerMembership;
  const open = { ...openConnections(t, servers, options), groupId, topics: [topic], create };
  const owners = new Owners();
  t.teardown(() => {
    if (owners.violations.length > 0) throw new Error(owners.violations.join('; '));
  });
  return { topic, groupId, owners, open: open satisfies MemberEnvironment };
}

/** Connections whose answers to heartbeats are held back at will. */
function holdHeartbeats(connections: Connections) {
  let gate: PromiseWithResolvers<void> | undefined;
  const holding = {
    held: 0,
    hold: () => (gate ??= Promise.withResolvers()),
    release: () => gate?.resolve(),
    connections: {
      ...connections,
      sendToAny: connections.sendToAny.bind(connections),
      async sendTo<T>(broker: BrokerAddress, request: KafkaRequest<T>, deadlineMs: number): Promise<T> {
        const answer = await connections.sendTo(broker, request, deadlineMs);
        if (request.apiName !== 'ConsumerGroupHeartbeat' || gate === undefined) return answer;
        holding.held += 1;
        await gate.promise;
        return answer;
      },
    },
  };
  return holding;
}

t.test('a member has all, and gives half away once it has drained it', async (t) => {
  const { open, owners, topic, groupId } = await openGroup(t, await useKafka(t));
  const first = startMember(t, open, owners);
  await first.has(0, 1, 2, 3);
  t.match(first.joins, [{ isContinuous: true, claimed: [] }]);

  const drained = Promise.withResolvers<void>();
  first.drain = () => drained.promise;
  const second = startMember(t, open, owners);
  await until(async () => first.joins.length === 2);
  t.equal(first.joins[1]!.partitions.length, 2);
  t.equal(first.joins[1]!.claimed.length, 4);
  t.strictSame(second.ids(), [], 'nothing, as long as the first has it');
  const offsets = first.ids().map((partition) => ({ topic, partition, offset: 0n, metadata: '' }));
  await first.membership.commit(offsets);
  drained.resolve();
  await until(async () => second.ids().length === 2);
  t.equal(first.ids().length, 2);
  t.ok([...first.joins, ...second.joins].every(({ isContinuous }) => isContinuous));
  t.strictSame(await committedIn(await useKafka(t), groupId, topic), [0, 0, 0, 0]);

  await second.leave();
  await first.has(0, 1, 2, 3);
});

t.test('a member that goes on as another takes over at once', async (t) => {
  const { open, owners } = await openGroup(t, await useKafka(t));
  const first = startMember(t, open, owners);
  await first.has(0, 1, 2, 3);
  await first.membership.stop({ leave: false });
  const { identity } = first.membership;
  const next = startMember(t, open, new Owners(), { identity: identity!, owned: [...first.owned.values()] });
  await until(async () => next.membership.joiningSinceMs === undefined);
  t.strictSame(next.ids(), [0, 1, 2, 3]);
  t.match(next.joins, [{ memberId: identity!.memberId, isContinuous: true }]);
  await first.membership.stop({ leave: true });
});

t.test('a member that the group did without joins anew, and does not commit meanwhile', async (t) => {
  const { open, owners, topic } = await openGroup(t, await useKafka(t));
  const member = startMember(t, open, owners);
  await member.has(0, 1, 2, 3);
  const { identity } = member.membership;
  const twin = startMember(t, open, new Owners(), { identity: identity! });
  await until(async () => twin.joins.length === 1);
  await twin.membership.stop({ leave: true });
  const commit = member.membership.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]);
  await t.rejects(commit, /UNKNOWN_MEMBER_ID/);
  await until(async () => member.joins.length > 1);
  t.equal(member.joins.at(-1)!.isContinuous, false);
  t.equal(member.joins.at(-1)!.partitions.length, 4);
});

t.test('a commit of an epoch that has moved goes out once more', async (t) => {
  const { open, owners, topic, groupId } = await openGroup(t, await useKafka(t));
  const heartbeats = holdHeartbeats(open.connections);
  const member = startMember(t, { ...open, connections: heartbeats.connections }, owners);
  await member.has(0, 1, 2, 3);
  const before = member.membership.identity!.generation;
  member.drain = () => void heartbeats.hold();
  startMember(t, open, owners);
  await until(async () => heartbeats.held === 1);
  // The group has moved it to the next epoch, which it has not heard of yet.
  const [mine] = member.owned.values();
  const committed = member.membership.commit([{ ...mine!, offset: 5n, metadata: 'm' }]);
  t.equal(member.membership.identity!.generation, before);
  heartbeats.release();
  await committed;
  t.ok(member.membership.identity!.generation > before);
  t.equal((await committedIn(await useKafka(t), groupId, topic))[mine!.partition], 5);
});

t.test('how long the lease lasts', async (t) => {
  const { open, owners } = await openGroup(t, await useKafka(t));
  const member = startMember(t, open, owners);
  await member.has(0, 1, 2, 3);
  const leftMs = () => member.membership.leaseEndMs - performance.now();
  await until(async () => leftMs() > 6_000 && leftMs() <= 10_000);
});

t.test('the coordinator restarts', async (t) => {
  const kafka = await ownKafka(t);
  const { open, owners, topic, groupId } = await openGroup(t, kafka.bootstrapServers);
  const member = startMember(t, open, owners);
  await member.has(0, 1, 2, 3);
  await kafka.brokers[0]!.restart();
  await member.membership.commit([{ topic, partition: 0, offset: 3n, metadata: '' }]);
  t.strictSame(await committedIn(kafka.bootstrapServers, groupId, topic), [3, -1, -1, -1]);
  t.ok(member.joins.every(({ isContinuous }) => isContinuous));
});

t.test('members that idle say nothing but that they are there', async (t) => {
  const asked: string[] = [];
  const { open, owners } = await openGroup(t, await useKafka(t), { onRequest: (name) => asked.push(name) });
  const member = startMember(t, open, owners);
  await member.has(0, 1, 2, 3);
  asked.length = 0;
  const { joins } = member;
  await until(async () => asked.filter((name) => name === 'ConsumerGroupHeartbeat').length === 3);
  t.strictSame(
    new Set(asked),
    new Set(['ConsumerGroupHeartbeat', ...asked.filter((n) => n === 'DescribeConfigs')]),
  );
  t.equal(joins.length, 1);
});
