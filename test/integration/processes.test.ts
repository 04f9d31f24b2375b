// Gateways as processes: stopped and killed under load.
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { spawnGateway, triggerManifest } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);

for (const ordering of ['partition', 'none'] as const) {
  t.test(
    `a gateway drains after SIGTERM under load, with a slow function: ordering ${ordering}`,
    { timeout: 90_000 },
    async (t) => {
      const bootstrapServers = await useKafka(t);
      const topic = await createTopic(t, bootstrapServers, { partitions: 4 });
      const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), ordering });
      let answerMs = 300;
      // Some attempts fail: records that wait for a retry are left to the next process, in order.
      const { uri } = await serveFunction(t, oracle, async ({ receipts: [receipt] }) => {
        await delay(answerMs);
        return { status: receipt!.offset % 5n === 2n && receipt!.attempt === 1 ? 503 : 204 };
      });
      const manifests = [triggerManifest(oracle, uri)];
      await oracle.produce(200);
      const first = await spawnGateway(t, { bootstrapServers, manifests });
      oracle.watchCommits();
      await until(() => oracle.inFlight >= 3 && oracle.delivered >= 4);

      first.signal('SIGTERM');
      t.strictSame(await first.exited, { code: 0, signal: null });
      t.equal(oracle.inFlight, 0, 'every request is answered');
      t.ok(oracle.delivered < 200);

      answerMs = 2;
      await spawnGateway(t, { bootstrapServers, manifests });
      const verdict = await oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates, []);
      t.equal(verdict.delivered, 200);
    },
  );
}

t.test('a gateway ends at the drain limit while its function hangs', { timeout: 90_000 }, async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const fn = await serveFunction(t, oracle, () => new Promise(() => undefined));
  const manifests = [triggerManifest(oracle, fn.uri)];
  await oracle.produce(10);
  const first = await spawnGateway(t, { bootstrapServers, manifests, env: { MILLRACE_DRAIN_LIMIT: 'PT1S' } });
  await until(() => oracle.inFlight === 2);
  first.signal('SIGTERM');
  t.strictSame(await first.exited, { code: 0, signal: null });
  t.equal(oracle.delivered, 0);

  fn.behave(() => ({ status: 204 }));
  await spawnGateway(t, { bootstrapServers, manifests });
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'the aborted requests were not accepted');
  t.equal(verdict.delivered, 10);
});

t.test(
  'the other gateway takes over when one of two is killed under load',
  { timeout: 150_000 },
  async (t) => {
    const bootstrapServers = await useKafka(t);
    const topic = await createTopic(t, bootstrapServers, { partitions: 4 });
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
    const { uri } = await serveFunction(t, oracle, async () => {
      await delay(5);
      return { status: 204 };
    });
    const manifests = [triggerManifest(oracle, uri)];
    const first = await spawnGateway(t, { bootstrapServers, manifests });
    await spawnGateway(t, { bootstrapServers, manifests });
    await until(async () => (await first.trigger()).partitions === 2);
    oracle.watchCommits();
    const endLoad = oracle.load({ perRequest: 10 });
    await until(() => oracle.delivered > 500 && oracle.inFlight > 1);

    first.signal('SIGKILL');
    await first.exited;
    const killedAtMs = Date.now();
    // Excuses what was settled since the last commit, and what was in flight.
    oracle.expose({ why: 'killed', fromMs: killedAtMs - 1_000, toMs: killedAtMs });
    // The other gateway gets its partitions when its session has expired, after 10 s.
    const isBack = (partition: number): boolean =>
      oracle.receipts.some((one) => one.partition === partition && one.receivedMs > killedAtMs + 3_000);
    await until(() => [0, 1, 2, 3].every(isBack), 90_000);
    await endLoad();

    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.unexplained, [], 'only records in flight, or not yet committed, are repeated');
    t.ok(
      verdict.duplicates.every(({ attempt }) => attempt === 2),
      'nothing is delivered a third time',
    );
    t.comment(
      `${verdict.records} records, ${verdict.duplicates.length} twice of ${verdict.exposed} exposed, longest pause ${verdict.longestPauseMs} ms`,
    );
  },
);
