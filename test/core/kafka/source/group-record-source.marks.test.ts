// Progress marks beside a log that is not theirs any more. The oracle: no record counts as settled that nobody has seen.
import t, { type Test } from 'tap';
import { startLocalKafka } from '../../../../cli/kafka/local-kafka.ts';
import { decodeMark, encodeMark, type ProgressMark } from '../../../../core/contract/marks/progress-mark.ts';
import { keepOffsetsRequest, type KeptOffset } from '../../../../core/kafka/offsets/keep-request.ts';
import { createTopic, produce, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { committedIn, join, offsetsOf, values, type Member } from '../fixtures/member.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(240_000);
const earliest = { initialOffset: 'earliest' as const };

/** As a gateway writes it that has settled all but the first of the records from `offset` up to `end`. */
function markOf(member: Member, offset: bigint, end: bigint): ProgressMark {
  const start = member.starts[0]!;
  const { log } = decodeMark(start.offset, start.metadata);
  const open = end > offset ? [offset] : [];
  const epoch = member.leaderEpoch ?? log?.epoch;
  return { open, end, attempts: new Map(), partitions: 1, log: log && { ...log, epoch } };
}

async function commitMark(
  member: Member,
  topic: string,
  offset: bigint,
  end: bigint,
  change: (metadata: string) => string = (metadata) => metadata,
): Promise<void> {
  const metadata = change(encodeMark(offset, markOf(member, offset, end)));
  await until(() => member.source.commit([{ topic, partition: 0, offset, metadata }]).then(() => true));
}

/** As a tool does that keeps the metadata. */
async function commitAs(t: Test, servers: string, group: string, progress: KeptOffset): Promise<void> {
  const { connections, topology } = openConnections(t, servers);
  await until(async () => {
    const deadlineMs = performance.now() + 20_000;
    const coordinator = (await topology.coordinators([group], deadlineMs)).get(group)!;
    if ('error' in coordinator) throw coordinator.error;
    const request = keepOffsetsRequest(group, [progress], 3_600_000);
    return (await connections.sendTo(coordinator, request, deadlineMs)).every((one) => one.errorCode === 0);
  });
}

/** What the member was told is settled at its last opening. */
function believed(member: Member): { offset: number; end: number; open: number[] } {
  const { offset, metadata } = member.starts[0]!;
  const { end, open } = decodeMark(offset, metadata);
  return { offset: Number(offset), end: Number(end), open: open.map(Number) };
}

async function readAll(t: Test, topic: string, group: string, count: number, servers?: string) {
  const member = await join(t, { topics: [topic], consumerGroup: group, ...earliest }, undefined, servers);
  await until(() => member.records_.length >= count, 60_000);
  return member;
}

t.test('a mark of this log is believed by whoever comes next; one that names no log is not', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(150));
  const group = uniqueName('marked');
  const first = await readAll(t, topic, group, 150);
  await commitMark(first, topic, 1n, 150n);
  await first.source.stop();
  const next = await readAll(t, topic, group, 149);
  t.strictSame(believed(next), { offset: 1, end: 150, open: [1] });
  t.strictSame(next.notices, []);

  const anonymous = { ...markOf(next, 1n, 150n), log: undefined };
  await commitMark(next, topic, 1n, 150n, () => encodeMark(1n, anonymous));
  await next.source.stop();
  const last = await readAll(t, topic, group, 149);
  t.strictSame(believed(last), { offset: 1, end: 1, open: [] });
  t.match(last.notices, [{ kind: 'unproved', at: { topic, partition: 0, offset: 1n }, count: 148n }]);

  await commitMark(last, topic, 1n, 150n, () => encodeMark(1n, anonymous).replace('mr2', 'mr1'));
  await last.source.stop();
  const updated = await readAll(t, topic, group, 149);
  t.strictSame(believed(updated), { offset: 1, end: 150, open: [1] }, 'of the last release: once');
  t.match(decodeMark(1n, updated.starts[0]!.metadata).log, { epoch: 0 }, 'what it commits names the log');
});

t.test('a mark that was copied beside another topic settles nothing there', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(150));
  const first = await readAll(t, topic, uniqueName('copied'), 150);
  const mark = markOf(first, 1n, 150n);
  for (const [what, log, offset, notice] of [
    ['of another cluster', { ...mark.log!, cluster: 'deadbeef' }, 1, { kind: 'unproved', count: 148n }],
    ['of this cluster', mark.log, 0, { kind: 'recreated', before: mark.log!.topic }],
  ] as const) {
    const copy = await createTopic(t, servers, { partitions: 1 });
    await produce(servers, copy, values(150));
    const group = uniqueName('copy');
    const metadata = encodeMark(1n, { ...mark, log });
    await commitAs(t, servers, group, { topic: copy, partition: 0, offset: 1n, metadata });
    const member = await readAll(t, copy, group, 150 - offset);
    t.strictSame(believed(member), { offset, end: offset, open: [] }, what);
    t.match(member.notices, [notice]);
    t.strictSame(offsetsOf(member.records_).slice(0, 2), [offset, offset + 1]);
  }
});

t.test('a mark that was copied beside another partition of its topic settles nothing there', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 2 });
  const both = [0, 1].flatMap((partition) => values(50).map((one) => ({ ...one, partition })));
  await produce(servers, topic, both);
  const first = await readAll(t, topic, uniqueName('marked'), 100);
  const start = first.starts.find(({ partition }) => partition === 0)!;
  const { log } = decodeMark(start.offset, start.metadata);
  t.match(log, { partition: 0 });
  const { partition: _, ...before } = log!;
  const markedAs = (of: typeof log) =>
    encodeMark(1n, { open: [1n], end: 50n, attempts: new Map(), partitions: 2, log: { ...of!, epoch: 0 } });
  await first.source.stop();
  for (const [what, metadata, ends, read] of [
    ['of one partition', markedAs(log), [50, 1], 50 - 1],
    ['as they were before they named one', markedAs(before), [50, 50], 0],
  ] as const) {
    const group = uniqueName('copy');
    for (const partition of [0, 1])
      await commitAs(t, servers, group, { topic, partition, offset: 1n, metadata });
    const member = await readAll(t, topic, group, read);
    await until(() => member.starts.length === 2);
    const starts = member.starts.toSorted((a, b) => a.partition - b.partition);
    const found = starts.map((one) => decodeMark(one.offset, one.metadata));
    t.strictSame(
      found.map(({ end }) => Number(end)),
      ends,
      what,
    );
    t.match(found, [{ log: { partition: 0 } }, { log: { partition: 1 } }], 'from now on they name theirs');
    const unproved = { kind: 'unproved', at: { topic, partition: 1, offset: 1n }, count: 48n };
    t.strictSame(member.notices, read === 0 ? [] : [unproved]);
    await member.source.stop();
  }
});

t.test('what other tools write beside an offset settles nothing', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(50));
  const first = await readAll(t, topic, uniqueName('foreign'), 50);
  const own = encodeMark(20n, markOf(first, 20n, 50n));
  await first.source.stop();
  for (const [what, offset, metadata] of [
    ['a word', 20n, 'leader'],
    ['a document', 20n, JSON.stringify({ end: 50, open: [] })],
    ['as much as brokers take', 20n, own.padEnd(4096, 'A')],
    ['the beginning of a mark', 20n, own.slice(0, -8)],
    ['a mark of another offset', 19n, own],
    ['an offset that the log does not reach', 51n, ''],
  ] as const) {
    const group = uniqueName('foreign');
    await commitAs(t, servers, group, { topic, partition: 0, offset, metadata });
    const from = offset > 50n ? 0 : Number(offset);
    const member = await readAll(t, topic, group, 50 - from);
    t.strictSame(believed(member), { offset: from, end: from, open: [] }, what);
    t.equal(offsetsOf(member.records_)[0], from, what);
    await member.source.stop();
  }
});

t.test('a topic that was deleted and created again while nobody read it is owed whole', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, values(50));
  const group = uniqueName('again');
  const first = await readAll(t, topic, group, 50);
  const metadata = encodeMark(40n, markOf(first, 40n, 50n));
  await first.source.stop();
  await withAdmin(servers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    await until(() => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
  });
  await until(() => produce(servers, topic, values(60)));
  // Somebody has kept what Kafka forgets with the topic.
  await commitAs(t, servers, group, { topic, partition: 0, offset: 40n, metadata });
  const next = await join(t, { topics: [topic], consumerGroup: group, initialOffset: 'latest' });
  await until(() => next.records_.length === 60);
  t.match(next.notices, [{ kind: 'recreated', topic }]);
  t.strictSame(await committedIn(servers, group, topic), [0]);
});

t.test('an unclean election, under a mark, while away and while running', async (t) => {
  const kafka = await startLocalKafka({
    brokers: 3,
    properties: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
  });
  t.teardown(() => kafka.stop());
  const servers = kafka.bootstrapServers;
  const [one, two] = kafka.brokers;
  const topics: string[] = [];
  for (const name of ['marked', 'away', 'running', 'overtaken']) {
    const topic = uniqueName(name);
    const replicaAssignment = [{ partition: 0, replicas: [one!.id, two!.id] }];
    await until(() =>
      withAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, replicaAssignment }] })),
    );
    await until(() => produce(servers, topic, values(100)));
    topics.push(topic);
  }
  const [marked, away, running, overtaken] = topics as [string, string, string, string];
  await two!.kill();
  for (const topic of topics) await until(() => produce(servers, topic, values(50)), 60_000);
  const group = (topic: string) => `group-${topic}`;
  const members = new Map<string, Member>();
  for (const topic of topics) members.set(topic, await readAll(t, topic, group(topic), 150, servers));
  await commitMark(members.get(marked)!, marked, 50n, 150n);
  await commitMark(members.get(away)!, away, 150n, 150n);
  for (const topic of [marked, away]) await members.get(topic)!.source.stop();
  const seen = members.get(overtaken)!.records_.length;

  // What only the first broker has is lost.
  await one!.kill();
  await two!.restart();
  for (const [topic, count] of [
    [marked, 80],
    [away, 80],
    [overtaken, 80],
  ] as const)
    await until(() => produce(servers, topic, values(count)), 60_000);
  await until(() => produce(servers, running, values(20)), 60_000);

  const next = await readAll(t, marked, group(marked), 130, servers);
  const open = [50];
  t.strictSame(believed(next), { offset: 50, end: 100, open }, 'as far as the log has kept its epoch');
  t.match(next.notices, [{ kind: 'unproved', count: 50n }]);
  t.strictSame(
    offsetsOf(next.records_),
    Array.from({ length: 130 }, (_, index) => 50 + index),
  );

  const back = await readAll(t, away, group(away), 80, servers);
  t.match(back.notices, [{ kind: 'truncated', at: { offset: 100n }, position: 150n }]);
  t.strictSame(
    offsetsOf(back.records_),
    Array.from({ length: 80 }, (_, index) => 100 + index),
  );

  for (const [topic, count] of [
    [running, 20],
    [overtaken, 80],
  ] as const) {
    const member = members.get(topic)!;
    await until(() => member.notices.some(({ kind }) => kind === 'truncated'), 60_000);
    await until(() => member.records_.length === seen + count, 60_000);
    const unseen = Array.from({ length: count }, (_, index) => 100 + index);
    t.strictSame(offsetsOf(member.records_).slice(seen), unseen, `${topic}: none of it is passed over`);
    const at = { topic, partition: 0, offset: 100n };
    t.match(
      member.notices.find(({ kind }) => kind === 'truncated'),
      { at, position: 150n },
    );
  }
});
