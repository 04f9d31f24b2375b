// Replies in transactions, while gateways are killed, stopped and suspended: a read_committed consumer sees exactly one reply per record.
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createRandom } from '../fixtures/seeded-random.ts';
import { spawnGateway, triggerManifest, type GatewayProcess } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);

interface Setup {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly notices: string;
  readonly oracle: Oracle;
  spawn(): Promise<GatewayProcess>;
}

/** A trigger whose function answers each record with an event that names the record. */
async function prepare(t: Test, ordering: 'partition' | 'key'): Promise<Setup> {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const notices = await createTopic(t, bootstrapServers, { partitions: 2, name: 'notices' });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('tx'), ordering });
  const { uri } = await serveFunction(t, oracle, async ({ receipts: [receipt] }) => {
    await delay(2);
    const { partition, offset } = receipt!;
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': `${partition}:${offset}`,
      'ce-source': '/fn',
      'ce-type': 'notice',
      'ce-partitionkey': `from ${partition}`,
    };
    return { status: 200, headers, body: `${partition}:${offset}` };
  });
  const manifests = [triggerManifest(oracle, uri, { reply: { topic: notices, transactional: true } })];
  const env = { LOG_LEVEL: 'error' };
  return {
    bootstrapServers,
    topic,
    notices,
    oracle,
    spawn: () => spawnGateway(t, { bootstrapServers, manifests, env }),
  };
}

/** Checks that each record has exactly one reply and, if `isOrdered`, that replies keep the order of a partition. */
async function checkReplies(t: Test, setup: Setup, isOrdered: boolean): Promise<void> {
  const { bootstrapServers, topic, notices, oracle } = setup;
  const { group } = oracle.options;
  const ends = await withAdmin(bootstrapServers, (admin) => admin.fetchTopicOffsets(topic));
  const isDone = async (): Promise<boolean> => {
    const [found] = await withAdmin(bootstrapServers, (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    );
    return ends.every(
      ({ partition, high }) => found?.partitions.find((one) => one.partition === partition)?.offset === high,
    );
  };
  await until(isDone, 60_000);
  const replies = (await consumeAll(bootstrapServers, notices)).map(({ value }) => value!.toString());
  const expected = ends.flatMap(({ partition, high }) =>
    Array.from({ length: Number(high) }, (_, offset) => `${partition}:${offset}`),
  );
  const counts = new Map<string, number>();
  for (const reply of replies) counts.set(reply, (counts.get(reply) ?? 0) + 1);
  t.strictSame(
    [...counts].filter(([, count]) => count > 1),
    [],
    'no reply is stored twice',
  );
  t.strictSame(
    expected.filter((id) => !counts.has(id)),
    [],
    'no reply is missing',
  );
  for (const { partition } of isOrdered ? ends : []) {
    const of = replies.filter((id) => id.startsWith(`${partition}:`)).map((id) => Number(id.split(':')[1]));
    t.strictSame(
      of,
      of.toSorted((a, b) => a - b),
      `in the order of partition ${partition}`,
    );
  }
  t.comment(`${expected.length} records, ${oracle.receipts.length - oracle.delivered} delivered again`);
}

for (const ordering of ['partition', 'key'] as const) {
  t.test(
    `each record has exactly one reply when the gateway is killed at any point: ordering ${ordering}`,
    { timeout: 120_000 },
    async (t) => {
      const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
      t.comment(`MILLRACE_SEED=${seed}`);
      const random = createRandom(seed);
      const setup = await prepare(t, ordering);
      const { oracle } = setup;
      await oracle.produce(100);
      const endLoad = oracle.load({ perRequest: 20, pauseMs: 20 });
      let gateway = await setup.spawn();
      for (let kills = 0; kills < 3; kills += 1) {
        const before = oracle.delivered;
        await until(() => oracle.delivered > before + 20, 40_000);
        await delay(random.between(50, 1_500));
        gateway.signal('SIGKILL');
        await gateway.exited;
        gateway = await setup.spawn();
      }
      const before = oracle.delivered;
      await until(() => oracle.delivered > before + 20, 40_000);
      await endLoad();
      await checkReplies(t, setup, ordering === 'partition');
    },
  );
}

t.test('a clean stop under load repeats neither a delivery nor a reply', { timeout: 90_000 }, async (t) => {
  const setup = await prepare(t, 'key');
  const { oracle } = setup;
  const endLoad = oracle.load({ perRequest: 20, pauseMs: 20 });
  for (let stops = 0; stops < 2; stops += 1) {
    const gateway = await setup.spawn();
    const before = oracle.delivered;
    await until(() => oracle.delivered > before + 200, 40_000);
    gateway.signal('SIGTERM');
    t.strictSame(await gateway.exited, { code: 0, signal: null });
    t.equal(oracle.inFlight, 0);
  }
  await endLoad();
  await setup.spawn();
  await checkReplies(t, setup, false);
  t.equal(oracle.receipts.length, oracle.delivered);
});

t.test('a fenced gateway that resumes stores no second reply', { timeout: 120_000 }, async (t) => {
  const setup = await prepare(t, 'partition');
  const { oracle } = setup;
  const zombie = await setup.spawn();
  await until(async () => (await zombie.trigger()).partitions === 3);
  const other = await setup.spawn();
  await until(async () => (await other.trigger()).partitions > 0);
  const endLoad = oracle.load({ perRequest: 20, pauseMs: 20 });
  await until(() => oracle.delivered > 200);
  zombie.signal('SIGSTOP');
  await until(async () => (await other.trigger()).partitions === 3, 40_000);
  const before = oracle.delivered;
  await until(() => oracle.delivered > before + 200, 40_000);
  zombie.signal('SIGCONT');
  await until(async () => (await other.trigger()).partitions < 3, 40_000);
  await endLoad();
  await checkReplies(t, setup, true);
});
