// What every membership of a consumer group must do, whatever its protocol: a suite that each implementation of the port passes against
// real brokers.
import type { Test } from 'tap';
import { readGroupStates } from '../../../../core/kafka/group/group-states.ts';
import type { CreateMembership, MemberIdentity } from '../../../../core/kafka/group/membership.ts';
import type { LocalKafka } from '../../../../cli/kafka/local-kafka.ts';
import { createTopic, ownKafka, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { GroupMember, Members, type JoinOptions } from '../fixtures/group-member.ts';
import { openConnections } from '../fixtures/offsets.ts';

export interface Conformance {
  readonly create: CreateMembership;
  /** One broker of another release, where it is not to be the runner's. */
  readonly servers?: string | undefined;
  /** Whether `partitionCount` is the member's to know. */
  readonly spreads: boolean;
  /** As an administrator does it. */
  readonly remove: (t: Test, servers: string, groupId: string, identity: MemberIdentity) => Promise<void>;
}

/** Registers the suite's tests with `t`. */
export function conform(t: Pick<Test, 'test'>, conformance: Conformance): void {
  t.test('one member, then more: what stays is not touched, and nobody has what another has', (t) =>
    shareOut(t, conformance),
  );
  t.test('commits: all that the group has taken, in whatever size', (t) => commits(t, conformance));
  t.test('a member that was removed comes back as a new one', (t) => removed(t, conformance));
  t.test('a successor goes on as the same member, at once', (t) => succeeded(t, conformance));
  t.test('topics and partitions that come', (t) => topicsThatCome(t, conformance));
  t.test('a stop while it joins leaves nobody behind', (t) => stoppedWhileJoining(t, conformance));
  t.test('a member that is silent for too long: others go on, and its commits are refused', (t) =>
    silent(t, conformance),
  );
  // It takes three brokers, which are of the newest release.
  if (conformance.servers !== undefined) return;
  t.test(
    'a coordinator that dies, or hangs: nobody loses anything, and what is committed meanwhile is stored',
    (t) => coordinatorDies(t, conformance),
  );
}

interface Group {
  readonly servers: string;
  readonly groupId: string;
  readonly topic: string;
  readonly members: Members;
  join(t: Test, more?: Partial<JoinOptions>): GroupMember;
}

async function openGroup(
  t: Test,
  { create, servers: shared }: Conformance,
  { partitions, servers }: { partitions: number; servers?: LocalKafka },
): Promise<Group> {
  const at = servers?.bootstrapServers ?? shared ?? (await useKafka(t));
  const topic = await createTopic(t, at, { partitions, replicas: servers?.brokers.length ?? 1 });
  const members = new Members();
  const groupId = uniqueName('group');
  const usual = { create, servers: at, groupId, topics: [topic], members };
  t.teardown(() => {
    if (members.violations.length > 0) throw new Error(members.violations.join('; '));
  });
  const join = (test: Test, more: Partial<JoinOptions> = {}): GroupMember => {
    const options = { ...usual, ...more };
    const member = new GroupMember(test, options);
    member.membership.start(options.topics).catch(() => undefined);
    return member;
  };
  return { servers: at, groupId, topic, members, join };
}

const isShared = (members: readonly GroupMember[], count: number): boolean => {
  const sizes = members.map(({ open }) => open.size);
  const all = new Set(members.flatMap(({ names }) => names));
  return (
    members.every(({ isJoined }) => isJoined) &&
    all.size === count &&
    sizes.reduce((sum, size) => sum + size, 0) === count &&
    Math.max(...sizes) - Math.min(...sizes) <= 1
  );
};
const closed = ({ told }: GroupMember): string[] => told.filter((one) => one.startsWith('close'));

async function shareOut(t: Test, conformance: Conformance): Promise<void> {
  const { topic, join } = await openGroup(t, conformance, { partitions: 6 });
  const first = join(t);
  await until(() => isShared([first], 6));
  t.match(first.joins[0], { claimed: [], isContinuous: true });
  t.ok(first.membership.leaseEndMs > performance.now());
  t.equal(first.membership.partitionCount(topic), conformance.spreads ? 6 : undefined);
  const { memberId } = first.membership.identity!;

  let drained = 0;
  const drain = async () => void (drained += 1);
  const second = join(t, { drain });
  await until(() => isShared([first, second], 6));
  t.equal(closed(first).length, 3, 'what stays is not touched');
  const third = join(t);
  await until(() => isShared([first, second, third], 6));
  t.equal(closed(first).length, 4);
  t.equal(closed(second).length, 1);
  t.equal(drained, 1, 'and what moves is drained before');

  await second.leave();
  await until(() => isShared([first, third], 6));
  t.equal(closed(first).length + closed(third).length, 4, 'a leave takes nothing from those who stay');
  t.ok(
    [first, third].every(({ joins }) => joins.every(({ isContinuous }) => isContinuous)),
    'nobody was away',
  );
  t.equal(first.membership.identity!.memberId, memberId, 'the same through all of it');
}

async function commits(t: Test, conformance: Conformance): Promise<void> {
  const { servers, groupId, topic, join } = await openGroup(t, conformance, { partitions: 300 });
  const member = join(t);
  await t.rejects(member.membership.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]), 'not yet');
  await until(() => isShared([member], 300));
  const metadata = 'm'.repeat(4_000);
  const offsets = [...member.open.values()].map((one) => ({ ...one, offset: 7n, metadata }));
  await member.membership.commit(offsets);
  const [stored] = await withAdmin(servers, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  t.ok(
    stored!.partitions.every((one) => one.offset === '7' && one.metadata === metadata),
    'more than one record of the offsets topic holds',
  );
  const tooLarge = [{ topic, partition: 0, offset: 8n, metadata: 'm'.repeat(5_000) }];
  const refusal = await member.membership.commit(tooLarge).catch((error: unknown) => error);
  t.match(refusal, { type: 'OFFSET_METADATA_TOO_LARGE' });
  t.ok(member.isJoined, 'of which the member lives on');
}

async function removed(t: Test, conformance: Conformance): Promise<void> {
  const { servers, groupId, topic, join } = await openGroup(t, conformance, { partitions: 2 });
  const member = join(t);
  await until(() => isShared([member], 2));
  const before = member.membership.identity!;
  await conformance.remove(t, servers, groupId, before);
  await until(() => member.joins.length > 1 && member.isJoined);
  t.match(member.joins.at(-1), { isContinuous: false, claimed: { length: 2 }, partitions: { length: 2 } });
  t.ok(member.membership.leaseEndMs > performance.now());
  await member.membership.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]);
}

async function succeeded(t: Test, conformance: Conformance): Promise<void> {
  const { topic, join } = await openGroup(t, conformance, { partitions: 4 });
  const first = join(t);
  const other = join(t);
  await until(() => isShared([first, other], 4));
  const before = { names: first.names, identity: first.membership.identity!, closed: closed(other).length };
  await first.membership.stop({ leave: false });
  const next = join(t, { after: first });
  await until(() => next.isJoined && isShared([next, other], 4));
  t.match(next.joins[0], { isContinuous: true, memberId: before.identity.memberId });
  t.strictSame(next.names, before.names);
  t.equal(closed(other).length, before.closed, 'which the others do not notice');
  const [one] = [...next.open.values()];
  await next.membership.commit([{ ...one!, offset: 3n, metadata: '' }]);
  await t.rejects(first.membership.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]));
}

async function topicsThatCome(t: Test, conformance: Conformance): Promise<void> {
  const { servers, topic, join } = await openGroup(t, conformance, { partitions: 1 });
  const first = join(t);
  await until(() => isShared([first], 1));
  await withAdmin(servers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
  // What was created may reach a broker a moment later: whoever watches asks again.
  await until(() => {
    if (first.isJoined && first.open.size < 3) first.membership.rejoin();
    return isShared([first], 3);
  });
  t.equal(first.membership.partitionCount(topic), conformance.spreads ? 3 : undefined);

  const another = await createTopic(t, servers, { partitions: 2 });
  await first.membership.stop({ leave: false });
  const next = join(t, { after: first, topics: [topic, another] });
  await until(() => isShared([next], 5));
  t.ok(next.joins.every(({ isContinuous }) => isContinuous));
  t.strictSame(closed(next), []);
}

async function stoppedWhileJoining(t: Test, conformance: Conformance): Promise<void> {
  const { servers, groupId, join } = await openGroup(t, conformance, { partitions: 2 });
  const first = join(t);
  await until(() => isShared([first], 2));
  for (let turns = 0; turns < 8; turns++) {
    const brief = join(t);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await brief.leave();
  }
  const open = openConnections(t, servers);
  await until(async () => {
    const state = (await readGroupStates(new Set([groupId]), open)).get(groupId);
    return state?.kind === 'read' && state.members.length === 1 && isShared([first], 2);
  });
  t.ok(first.joins.every(({ isContinuous }) => isContinuous));
  await first.leave();
  const state = (await readGroupStates(new Set([groupId]), open)).get(groupId);
  t.match(state, { kind: 'read', members: [] });
}

async function silent(t: Test, conformance: Conformance): Promise<void> {
  const { servers, groupId, topic, join } = await openGroup(t, conformance, { partitions: 4 });
  const first = join(t);
  const other = join(t);
  await until(() => isShared([first, other], 4));
  first.connections.pause();
  const stale = [...first.open.values()].map((one) => ({ ...one, offset: 1n, metadata: 'stale' }));
  const commit = first.membership.commit(stale);
  commit.catch(() => undefined);
  await until(() => other.open.size === 4, 40_000);
  t.ok(performance.now() >= first.membership.leaseEndMs, 'its lease was over before');
  const fresh = [...other.open.values()].map((one) => ({ ...one, offset: 9n, metadata: 'fresh' }));
  await other.membership.commit(fresh);

  const joins = first.joins.length;
  first.connections.resume();
  await t.rejects(commit);
  const [stored] = await withAdmin(servers, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  t.ok(stored!.partitions.every(({ offset }) => offset === '9'));
  await until(() => first.joins.length > joins && isShared([first, other], 4));
  t.equal(first.joins[joins]!.isContinuous, false);
  t.ok(other.joins.every(({ isContinuous }) => isContinuous));
}

async function coordinatorDies(t: Test, conformance: Conformance): Promise<void> {
  const kafka = await ownKafka(t, { brokers: 3 });
  const { servers, groupId, topic, join } = await openGroup(t, conformance, {
    partitions: 4,
    servers: kafka,
  });
  const members = [join(t), join(t)];
  await until(() => isShared(members, 4), 60_000);
  const names = members.map((member) => member.names);
  const { topology } = openConnections(t, servers, { metadataMaxAgeMs: 0 });
  const coordinating = () =>
    until(async () => {
      topology.forgetCoordinator(groupId);
      const found = (await topology.coordinators([groupId], performance.now() + 10_000)).get(groupId);
      return kafka.brokers.find(({ port }) => found !== undefined && 'port' in found && port === found.port);
    });
  const [first, second] = members as [GroupMember, GroupMember];
  const commitAt = (member: GroupMember, offset: bigint) =>
    member.membership.commit([...member.open.values()].map((one) => ({ ...one, offset, metadata: '' })));
  const stored = async () => {
    const [found] = await withAdmin(servers, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    return found!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  };

  const dead = await coordinating();
  await dead.kill();
  await Promise.all([commitAt(first, 5n), commitAt(second, 5n)]);
  t.strictSame(await stored(), ['5', '5', '5', '5']);
  t.strictSame(
    members.map((member) => member.names),
    names,
  );
  await until(() =>
    members.every(({ isJoined, membership }) => isJoined && membership.leaseEndMs > performance.now()),
  );
  await dead.restart();
  await until(
    async () => (await withAdmin(servers, (admin) => admin.describeCluster())).brokers.length === 3,
  );

  // While a gateway leaves: what it has settled is stored, and it is gone at once.
  const left = second.names.map((name) => `open ${name}`);
  const broker = await coordinating();
  const killed = broker.kill();
  await commitAt(second, 6n);
  await killed;
  await second.leave();
  await until(() => isShared([first], 4), 60_000);
  t.ok(left.every((one) => first.told.includes(one)));
  t.ok(first.joins.every(({ isContinuous }) => isContinuous));
  const offsets = await stored();
  t.equal(offsets.filter((offset) => offset === '6').length, 2);

  // One that hangs holds a join that it can never answer.
  await broker.restart();
  await until(
    async () => (await withAdmin(servers, (admin) => admin.describeCluster())).brokers.length === 3,
  );
  const hung = await coordinating();
  hung.suspend();
  t.teardown(() => hung.continue());
  const third = join(t);
  await until(() => isShared([first, third], 4), 60_000);
  await commitAt(third, 8n);
  hung.continue();
  t.ok(first.joins.every(({ isContinuous }) => isContinuous));
}
