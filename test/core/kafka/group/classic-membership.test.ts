// Against real brokers: what every membership must do, and what is special to the classic protocol.
import t, { type Test } from 'tap';
import type { BrokerAddress, KafkaRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { createClassicMembership } from '../../../../core/kafka/group/classic-membership.ts';
import { encodeAssignment } from '../../../../core/kafka/group/assignor/consumer-protocol.ts';
import {
  joinGroupRequest,
  leaveGroupRequest,
  syncGroupRequest,
} from '../../../../core/kafka/group/classic-requests.ts';
import { encodeClaim, stickyProtocolName } from '../../../../core/kafka/group/assignor/sticky-assignor.ts';
import { createTopic, kafkaClient, ownKafka, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { joinFirstRelease } from '../fixtures/first-release.ts';
import { GroupMember, Members } from '../fixtures/group-member.ts';
import { openConnections } from '../fixtures/offsets.ts';
import { conform } from './membership-conformance.ts';

t.setTimeout(300_000);

/** Sends to the coordinator of the group, as somebody who is not of Millrace. */
async function senderTo(t: Test, servers: string, groupId: string) {
  const { connections, topology } = openConnections(t, servers);
  const deadlineMs = performance.now() + 60_000;
  const find = async (): Promise<BrokerAddress | undefined> => {
    const found = (await topology.coordinators([groupId], deadlineMs)).get(groupId);
    return found === undefined || 'error' in found ? undefined : found;
  };
  const coordinator = await until(find);
  return <T>(request: KafkaRequest<T>): Promise<T> => connections.sendTo(coordinator, request, deadlineMs);
}

conform(t, {
  create: createClassicMembership,
  spreads: true,
  remove: async (t, servers, groupId, { memberId }) => {
    const send = await senderTo(t, servers, groupId);
    await send(leaveGroupRequest(groupId, memberId));
  },
});

async function openGroup(t: Test, partitions: number, own?: string) {
  const servers = own ?? (await useKafka(t));
  const topic = await createTopic(t, servers, { partitions });
  const groupId = uniqueName('group');
  const members = new Members();
  const options = { create: createClassicMembership, servers, groupId, topics: [topic], members };
  const join = (after?: GroupMember) => {
    const member = new GroupMember(t, { ...options, after });
    const joined = member.membership.start([topic]);
    joined.catch(() => undefined);
    return Object.assign(member, { joined });
  };
  return { servers, groupId, topic, members, join };
}

t.test('the successor of a member that the group does not know any more is a new one', async (t) => {
  const { servers, groupId, join } = await openGroup(t, 2);
  const first = join();
  await first.joined;
  const { memberId } = first.membership.identity!;
  await first.membership.stop({ leave: false });
  await (
    await senderTo(t, servers, groupId)
  )(leaveGroupRequest(groupId, memberId));
  const next = join(first);
  await next.joined;
  t.match(next.joins, [{ isContinuous: false, claimed: { length: 2 }, partitions: { length: 2 } }]);
  t.not(next.membership.identity!.memberId, memberId);
});

t.test('members that are not Millrace: the trigger says what to do', async (t) => {
  const { servers, groupId, topic, join } = await openGroup(t, 1);
  const foreign = kafkaClient(servers).consumer({ groupId });
  t.teardown(() => foreign.disconnect());
  const hasJoined = new Promise((resolve) => foreign.on('consumer.group_join', resolve));
  await foreign.connect();
  await foreign.subscribe({ topic });
  await foreign.run({ eachMessage: () => Promise.resolve() });
  await hasJoined;
  const member = join();
  const refusal = await member.joined.catch((error: unknown) => error);
  t.match(refusal, {
    code: 'MILLRACE_KAFKA_GROUP_REFUSED',
    message: /has members that are not Millrace.*`consumerGroup`/,
  });
  await t.rejects(member.membership.crashed);
});

t.test('brokers that refuse the session timeout: the trigger says which settings', async (t) => {
  const kafka = await ownKafka(t, { properties: { 'group.min.session.timeout.ms': '20000' } });
  const { join } = await openGroup(t, 1, kafka.bootstrapServers);
  const refusal = await join().joined.catch((error: unknown) => error);
  t.match(refusal, {
    code: 'MILLRACE_KAFKA_GROUP_REFUSED',
    message: /group\.min\.session\.timeout\.ms/,
  });
});

t.test('a rollout: members of the first release are in the group, and one of them leads it', async (t) => {
  const { servers, groupId, topic, join } = await openGroup(t, 4);
  const old = await joinFirstRelease(t, servers, groupId, topic);
  await until(() => old.given.at(-1)?.length === 4);
  const member = join();
  await until(() => old.given.at(-1)?.length === 2);
  t.strictSame(member.names, [], 'not before the other has let go, and joined again');
  t.equal(member.membership.partitionCount(topic), 4);
  await old.leave();
  await until(() => member.open.size === 4);
  const again = await joinFirstRelease(t, servers, groupId, topic);
  await until(() => again.given.at(-1)?.length === 2 && member.open.size === 2);
  t.ok(member.joins.every(({ isContinuous }) => isContinuous));
});

t.test('a static member that is silent: the lease outlasts a rebalance that waits for it', async (t) => {
  const { servers, groupId, topic, join } = await openGroup(t, 2);
  const member = join();
  await member.joined;
  const send = await senderTo(t, servers, groupId);
  const metadata = encodeClaim({ topics: [topic], generation: -1, owned: [] });
  // Its session is longer than ours.
  const limits = { sessionTimeoutMs: 14_000, rebalanceTimeoutMs: 14_000 };
  const joined = await send(
    joinGroupRequest({
      groupId,
      ...limits,
      memberId: '',
      instanceId: 'static',
      protocol: { name: stickyProtocolName, metadata },
    }),
  );
  const { generation, memberId, protocolName } = joined;
  const sync = { groupId, generation, memberId, protocolName, assignments: [], rebalanceTimeoutMs: 14_000 };
  await send({ ...syncGroupRequest(sync), lane: 'prompt' }).catch(() => undefined);
  // Our member lets go of one, joins again, and waits for the silent one.
  await until(() => member.open.size === 1);
  const heldSinceMs = await until(() => member.membership.joiningSinceMs);
  let shortestMs = Infinity;
  await until(() => {
    shortestMs = Math.min(shortestMs, member.membership.leaseEndMs - performance.now());
    return member.open.size === 2;
  }, 40_000);
  t.ok(performance.now() - heldSinceMs > 10_000, 'for longer than a session');
  t.ok(shortestMs > 0, 'and may go on all the while');
  t.ok(member.joins.every(({ isContinuous }) => isContinuous));
});

t.test('a leader that writes what is no assignment', async (t) => {
  const { servers, groupId, topic, join } = await openGroup(t, 2);
  const send = await senderTo(t, servers, groupId);
  const metadata = encodeClaim({ topics: [topic], generation: -1, owned: [] });
  const protocol = { name: stickyProtocolName, metadata };
  const limits = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 };
  const foreign = { groupId, ...limits, instanceId: 'hostile', memberId: '', protocol };
  const first = await send(joinGroupRequest(foreign));
  const member = join();
  const leads = async () => {
    const answer = await send(joinGroupRequest({ ...foreign, memberId: first.memberId }));
    return answer.members.length === 2 ? answer : undefined;
  };
  const { generation, memberId, protocolName, members } = await until(leads);
  const hostile = Buffer.concat([encodeAssignment([]).subarray(0, 2), Buffer.from('7fffffff', 'hex')]);
  const assignments = members.map((one) => ({ memberId: one.memberId, assignment: hostile }));
  const sync = { groupId, generation, memberId, protocolName, assignments, rebalanceTimeoutMs: 30_000 };
  await send({ ...syncGroupRequest(sync), lane: 'prompt' });
  const refusal = await member.joined.catch((error: unknown) => error);
  t.match(refusal, {
    code: 'MILLRACE_KAFKA_GROUP_REFUSED',
    message: /shares that cannot be read/,
  });
});
