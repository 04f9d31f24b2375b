// Replies in transactions, while gateways are killed and stopped: a reader of committed records sees one reply to each record.
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createRandom } from '../fixtures/seeded-random.ts';
import { spawnGateway, triggerManifest, type GatewayProcess } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);

interface Stage {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly notices: string;
  readonly oracle: Oracle;
  spawn(): Promise<GatewayProcess>;
}

/** A function that answers each record with an event that names it. */
async function prepare(t: Test, ordering: 'partition' | 'key'): Promise<Stage> {
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

/** Of each record one reply; in the order of the records of a partition, where that was promised. */
async function checkReplies(t: Test, stage: Stage, isOrdered: boolean): Promise<void> {
  const { bootstrapServers, topic, notices, oracle } = stage;
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
    'no reply is there twice',
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
  t.test(`kill -9 at any point: ordering ${ordering}`, { timeout: 120_000 }, async (t) => {
    const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
    t.comment(`MILLRACE_SEED=${seed}`);
    const random = createRandom(seed);
    const stage = await prepare(t, ordering);
    const { oracle } = stage;
    await oracle.produce(100);
    const endLoad = oracle.load({ perRequest: 20, pauseMs: 20 });
    let gateway = await stage.spawn();
    for (let kills = 0; kills < 3; kills += 1) {
      const before = oracle.delivered;
      await until(() => oracle.delivered > before + 20, 40_000);
      await delay(random.between(50, 1_500));
      gateway.signal('SIGKILL');
      await gateway.exited;
      gateway = await stage.spawn();
    }
    const before = oracle.delivered;
    await until(() => oracle.delivered > before + 20, 40_000);
    await endLoad();
    await checkReplies(t, stage, ordering === 'partition');
  });
}

t.test('a clean stop under load: nothing is delivered twice either', { timeout: 90_000 }, async (t) => {
  const stage = await prepare(t, 'key');
  const { oracle } = stage;
  const endLoad = oracle.load({ perRequest: 20, pauseMs: 20 });
  for (let stops = 0; stops < 2; stops += 1) {
    const gateway = await stage.spawn();
    const before = oracle.delivered;
    await until(() => oracle.delivered > before + 200, 40_000);
    gateway.signal('SIGTERM');
    t.strictSame(await gateway.exited, { code: 0, signal: null });
    t.equal(oracle.inFlight, 0);
  }
  await endLoad();
  await stage.spawn();
  await checkReplies(t, stage, false);
  t.equal(oracle.receipts.length, oracle.delivered);
});

t.test(
  'a gateway that was stopped comes back, and others have its partitions',
  { timeout: 120_000 },
  async (t) => {
    const stage = await prepare(t, 'partition');
    const { oracle } = stage;
    const zombie = await stage.spawn();
    await until(async () => (await zombie.trigger()).partitions === 3);
    const other = await stage.spawn();
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
    await checkReplies(t, stage, true);
  },
);
