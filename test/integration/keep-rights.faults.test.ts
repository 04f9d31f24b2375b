// What a scaler needs to keep the progress of triggers that nobody reads: Read on their groups and topics. Without it, it says so once, and
// what to grant; the backlog goes on. A broker that forgets what nobody keeps proves that the rest is kept.
import t, { type Test } from 'tap';
import { offsetCommitRequest } from '../../core/kafka/group/coordinator/offset-commit-request.ts';
import { openConnections } from '../core/kafka/fixtures/offsets.ts';
import { nowhere, useFileScaler } from '../fixtures/file-scaler.ts';
import { clusterManifests } from '../fixtures/kafka/client-settings.ts';
import { createTopic, produce, uniqueName, withAdmin } from '../fixtures/kafka/kafka.ts';
import { startSecureKafka } from '../fixtures/kafka/secure-kafka.ts';
import type { Right } from '../fixtures/kubernetes/rights.ts';
import { logLines } from '../fixtures/log-lines.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(300_000);
const kind = 'tls-scram-sha-512';
const kafka = await startSecureKafka(t, {
  'offsets.retention.minutes': '1',
  'offsets.retention.check.interval.ms': '1000',
});
const { bootstrapServers } = kafka;

interface Line {
  readonly msg: string;
  readonly trigger?: string;
  readonly code?: string;
  readonly error?: string;
  readonly remedy?: string;
}

/** As a member that left long ago: brokers forget it a minute after. */
async function commit(t: Test, group: string, topics: readonly string[]): Promise<void> {
  const { connections, topology } = openConnections(t, bootstrapServers);
  const offsets = topics.map((topic) => ({ topic, partition: 0, offset: 1n, metadata: `of ${group}` }));
  const nobody = { memberId: '', generation: -1 };
  await until(async () => {
    const deadlineMs = performance.now() + 10_000;
    const coordinator = (await topology.coordinators([group], deadlineMs)).get(group);
    if (coordinator === undefined || 'error' in coordinator) return false;
    const request = offsetCommitRequest(group, nobody, offsets);
    const answers = await connections.sendTo(coordinator, request, deadlineMs);
    return answers.every(({ errorCode }) => errorCode === 0);
  });
}

async function committed(groupId: string, topics: string[]) {
  const found = await withAdmin(bootstrapServers, (admin) => admin.fetchOffsets({ groupId, topics }));
  return topics.map((name) => {
    const partitions = found.find(({ topic }) => topic === name)?.partitions;
    const { offset, metadata } = partitions?.find(({ partition }) => partition === 0) ?? {};
    return [offset, metadata];
  });
}

function manifestsOf(names: readonly string[], topics: readonly string[], groups: Record<string, string>) {
  const triggers = names.map((name) => {
    const source = { cluster: 'secured', topics, consumerGroup: groups[name], initialOffset: 'earliest' };
    const spec = { source, function: { uri: `http://${nowhere}` } };
    return JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger', metadata: { name }, spec });
  });
  return [...triggers, ...clusterManifests('secured', kafka.client(kind))];
}

t.test('without Read, the scaler says once what it lacks; with it, offsets are kept', async (t) => {
  const make = (name: string) => createTopic(t, bootstrapServers, { partitions: 1, name });
  const topics = [await make('one'), await make('two')];
  const [one, two] = topics as [string, string];
  const groups = { kept: uniqueName('kept'), left: uniqueName('left') };
  const three = ['a', 'b', 'c'].map((value) => ({ value }));
  for (const topic of topics) await produce(bootstrapServers, topic, three);
  for (const group of Object.values(groups)) await commit(t, group, topics);
  const grant = (operation: 'read' | 'describe', resource: Right['resource'], ...names: string[]) =>
    kafka.grant(
      kind,
      names.map((name) => ({ operation, resource, name })),
    );
  await grant('describe', 'topic', ...topics);
  await grant('describe', 'group', ...Object.values(groups));

  const lines: Line[] = [];
  const log = logLines<Line>((line) => void lines.push(line));
  const manifests = manifestsOf(['kept', 'left'], topics, groups);
  const scaler = await useFileScaler(t, manifests, log, { keepRoundMs: 300 });
  const toldOf = (name: string) => lines.filter(({ trigger }) => trigger === `default/${name}`);
  const commitsSent = async () => {
    const text = await (await fetch(`${scaler.httpUrl}/metrics`)).text();
    return Number(/kafka_requests_total\{api="OffsetCommit"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  /** Whatever is said once is not said again in these rounds. */
  const rounds = async () => {
    const before = await commitsSent();
    await until(async () => (await commitsSent()) >= before + 8);
  };
  const backlogIs = (name: string, records: bigint) =>
    until(async () => (await scaler.demand.backlog(`default/${name}`)) === records);
  const lacks = (name: string, count: number) => until(() => toldOf(name).length === count);
  const groupLacked = (name: keyof typeof groups) => ({
    msg: /^nobody reads the trigger, and its progress cannot be kept/,
    code: 'MILLRACE_KAFKA_FORBIDDEN',
    error: `Kafka does not allow our user to read the consumer group "${groups[name]}" (GROUP_AUTHORIZATION_FAILED)`,
    remedy: /^Grant the named right to the Kafka user/,
  });

  for (const name of ['kept', 'left'] as const) {
    await lacks(name, 1);
    t.match(toldOf(name)[0], groupLacked(name));
    await backlogIs(name, 4n);
  }
  await produce(bootstrapServers, one, [{ value: 'd' }]);
  for (const name of ['kept', 'left']) await backlogIs(name, 5n);
  await rounds();
  t.strictSame([toldOf('kept').length, toldOf('left').length], [1, 1]);

  await grant('read', 'group', groups.kept);
  await lacks('kept', 2);
  const forbidden = 'Kafka does not allow our user to read';
  t.match(toldOf('kept')[1]?.error, new RegExp(`^${forbidden} each of the topics "(${one}|${two})", "`));
  await grant('read', 'topic', one);
  await lacks('kept', 3);
  t.equal(toldOf('kept')[2]?.error, `${forbidden} the topic "${two}"`);
  await grant('read', 'topic', two);
  await lacks('kept', 4);
  t.match(toldOf('kept')[3], { msg: 'the progress of the trigger is kept', recovered: true });
  await rounds();
  t.strictSame([toldOf('kept').length, toldOf('left').length], [4, 1]);

  await until(
    async () => (await committed(groups.left, topics)).every(([offset]) => offset === '-1'),
    180_000,
  );
  // The check that has taken those would have taken these.
  const metadata = `of ${groups.kept}`;
  t.strictSame(await committed(groups.kept, topics), [
    ['1', metadata],
    ['1', metadata],
  ]);
  await backlogIs('kept', 5n);
  await backlogIs('left', 7n);
});
