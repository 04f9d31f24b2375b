// Two real clusters, one that is away, one that hangs, and one that comes back.
import { createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { ClusterRead, ReadLimits } from '../../../../core/kafka/offsets/cluster-reads.ts';
import {
  createClustersReader,
  type ClustersReaderOptions,
} from '../../../../core/kafka/offsets/offsets-of-clusters.ts';
import type { OffsetsResult } from '../../../../core/kafka/offsets/partition-offsets.ts';
import { createTopic, ownKafka, produce, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.setTimeout(180_000);
const nowhere = ['127.0.0.1:1'];
const at = (...brokers: string[]) => ({ brokers, namespace: 'geo' });

function open(t: Test, own: string, options: Partial<ClustersReaderOptions> = {}) {
  const reads: (ClusterRead & { readonly isOwn: boolean })[] = [];
  const reader = createClustersReader({
    own: { brokers: own.split(','), clientId: 'clusters' },
    secrets: memorySecrets(),
    onRead: (read, isOwn) => reads.push({ ...read, isOwn }),
    ...options,
  });
  t.teardown(() => reader.close());
  return { reader, reads };
}

/** A server that takes every connection and answers nothing; how many there are open now. */
async function startHungBroker(t: Test) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, sockets };
}

t.test('each query at its own cluster; one that is away takes down its own', async (t) => {
  const own = await useKafka(t);
  const other = (await ownKafka(t)).bootstrapServers;
  const topic = await createTopic(t, own, { partitions: 1 });
  const there = await createTopic(t, other, { partitions: 2 });
  await produce(other, there, [{ value: 'a', partition: 1 }]);
  const { reader, reads } = open(t, own, { idleMs: 50 });
  const query = { group: 'any', topics: [topic] };
  const elsewhere = { access: at(...other.split(',')), group: 'any', topics: [there] };
  // Brokers that have just started load their groups first.
  await until(async () => (await reader.readOne(elsewhere)).kind === 'read');
  reads.length = 0;
  t.match(await reader.read([elsewhere, query, { ...query, access: at(...nowhere) }]), [
    { kind: 'read', partitions: [{ end: 0n }, { end: 1n }] },
    { kind: 'read', partitions: [{ topic }] },
    { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } },
  ]);
  const groups = await reader.readGroups([{ group: 'a' }, { group: 'a', access: at(...nowhere) }]);
  t.match(groups, [{ kind: 'read', members: [] }, { kind: 'failed' }]);
  t.match(
    reads.find(({ error }) => error !== undefined),
    { brokers: nowhere, queries: 1, isTurn: true, isOwn: false },
  );
  t.match(
    reads.find(({ isOwn }) => isOwn),
    { brokers: own.split(','), queries: 1, error: undefined, isTurn: false },
  );
  await reader.proveOwn();

  // What nobody has asked for is closed, and opened again when somebody does.
  await until(() => reader.waitsFor(elsewhere.access) === undefined);
  t.match(await reader.readOne(elsewhere), { kind: 'read' });
});

t.test('queries that come close together share requests', async (t) => {
  const own = await useKafka(t);
  const topics = [await createTopic(t, own, { partitions: 1 }), await createTopic(t, own, { partitions: 1 })];
  let requests: string[] = [];
  const { reader, reads } = open(t, own, { onRequest: (name) => requests.push(name) });
  const ask = (index: number) => reader.readOne({ group: `g${index}`, topics: [topics[index % 2] ?? ''] });
  const askAll = () => Promise.all(Array.from({ length: 100 }, (_, index) => ask(index)));
  t.ok((await askAll()).every(({ kind }) => kind === 'read'));
  requests = [];
  t.ok((await askAll()).every(({ kind }) => kind === 'read'));
  t.strictSame(requests.toSorted(), ['ListOffsets', 'ListOffsets', 'OffsetFetch']);
  t.strictSame(
    reads.map(({ queries }) => queries),
    [100, 100],
  );
});

/** So that a broker that hangs is away at once. */
const impatient: Partial<ReadLimits> = { connect: 300, request: 300, firstPause: 20, longestPause: 50 };

t.test('a cluster that hangs costs its own queries alone, and is told why without asking', async (t) => {
  const own = await useKafka(t);
  const topic = await createTopic(t, own, { partitions: 1 });
  const { address } = await startHungBroker(t);
  const { reader, reads } = open(t, own, { limits: { ...impatient, firstPause: 5_000 } });
  const hung = { access: at(address), group: 'any', topics: [topic] };
  let isAnswered = false;
  const waiting = reader.readOne(hung).then((result) => {
    isAnswered = true;
    return result;
  });
  await until(() => reader.waitsFor(hung.access) !== undefined);
  t.equal(reader.waitsFor(hung.access), `connected to ${address}, but no answer to ApiVersions`);
  t.match(await reader.readOne({ group: 'any', topics: [topic] }), { kind: 'read' });
  t.equal(isAnswered, false, 'the one does not wait for the other');
  const cause = { message: `connected to ${address}, but no answer to ApiVersions within 0.3 s` };
  const failed = { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE', cause } };
  t.match(await waiting, failed);
  const count = reads.length;
  t.match(await reader.readOne(hung), failed);
  t.equal(reads.length, count, 'the cluster is left alone meanwhile');
});

t.test('a cluster that comes back is noticed', async (t) => {
  const kafka = await ownKafka(t);
  const [broker] = kafka.brokers;
  const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
  const { reader, reads } = open(t, kafka.bootstrapServers, { limits: impatient });
  const isRead = async (): Promise<boolean> =>
    (await reader.readOne({ group: 'any', topics: [topic] })).kind === 'read';
  await until(isRead);
  broker?.suspend();
  await until(async () => !(await isRead()));
  broker?.continue();
  await until(isRead);
  await broker?.kill();
  await until(async () => !(await isRead()));
  await t.rejects(reader.proveOwn(), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  await broker?.restart();
  await until(isRead, 60_000);
  const turns = reads.filter(({ isTurn }) => isTurn).map(({ error }) => error === undefined);
  t.ok(turns.length >= 4 && turns.every((isBack, index) => isBack === (index % 2 === 1)), turns.join());
});

t.test('what no trigger names any more is closed, what nobody asks for too', async (t) => {
  const own = await useKafka(t);
  const [named, drained] = [await startHungBroker(t), await startHungBroker(t)];
  const { reader } = open(t, own, { limits: impatient });
  const ask = (address: string): Promise<OffsetsResult> =>
    reader.readOne({ access: at(address), group: 'any', topics: ['any'] });
  reader.retain([undefined, at(named.address)]);
  const asked = ask(named.address);
  await until(() => named.sockets.size === 1);
  reader.retain([undefined]);
  await until(() => named.sockets.size === 0);
  t.match(await asked, { kind: 'failed' }, 'nobody is left waiting');
  // The controller drains a trigger that is gone.
  const draining = ask(drained.address);
  await until(() => drained.sockets.size === 1);
  reader.retain([undefined]);
  t.equal(drained.sockets.size, 1);
  t.match(await draining, { kind: 'failed' });
});

t.test('where none answers, that is told', async (t) => {
  const { reader } = open(t, nowhere.join());
  await t.rejects(reader.proveOwn(), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  t.match(await reader.read([{ group: 'any', topics: ['any'] }]), [
    { kind: 'failed', error: { code: 'MILLRACE_KAFKA_UNREACHABLE' } },
  ]);
  await reader.close();
  t.match(await reader.readGroups([{ group: 'any' }]), [{ kind: 'failed', error: { message: /closed/ } }]);
  t.match(await reader.readOne({ group: 'any', topics: [] }), { kind: 'failed' });
  await t.rejects(reader.proveOwn(), { message: /closed/ });
});
