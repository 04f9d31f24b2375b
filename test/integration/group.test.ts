// Several gateways in one group: members join and leave under load, and only the partitions move.
import t from 'tap';
import { triggerManifest, useGateway, type TestGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

for (const ordering of ['partition', 'key'] as const) {
  t.test(
    `nothing is lost or repeated when a gateway joins and another leaves under load: ordering ${ordering}`,
    async (t) => {
      const bootstrapServers = await useKafka(t);
      const topic = await createTopic(t, bootstrapServers, { partitions: 6 });
      const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), ordering });
      const { uri } = await serveFunction(t, oracle, async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { status: 204 };
      });
      const manifests = [triggerManifest(oracle, uri)];
      const first = await useGateway(t, { bootstrapServers, manifests });
      oracle.watchCommits();
      const endLoad = oracle.load({ keys: 50 });
      await until(() => oracle.delivered > 200);

      const second = await useGateway(t, { bootstrapServers, manifests });
      await until(() => second.trigger().partitions === 3 && second.trigger().delivered > 100);
      t.equal(first.trigger().partitions, 3);
      const before = oracle.delivered;
      await until(() => oracle.delivered > before + 200);

      await first.stop();
      await until(() => second.trigger().partitions === 6);
      const left = oracle.delivered;
      await until(() => oracle.delivered > left + 200);
      await endLoad();

      const verdict = await oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates, [], 'nothing is delivered twice');
      t.ok(verdict.commitSamples > 0);
      t.comment(`${verdict.records} records, longest pause of a lane ${verdict.longestLanePauseMs} ms`);
    },
  );
}

t.test(
  'nothing is lost or repeated when three gateways are replaced one by one under load',
  { timeout: 110_000 },
  async (t) => {
    const bootstrapServers = await useKafka(t);
    const topic = await createTopic(t, bootstrapServers, { partitions: 6 });
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), ordering: 'key' });
    // Some attempts fail: a record that waits for a retry moves to the next owner with its attempt count.
    const { uri } = await serveFunction(t, oracle, async ({ receipts: [receipt] }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { status: receipt!.offset % 20n === 7n && receipt!.attempt === 1 ? 503 : 204 };
    });
    const manifests = [triggerManifest(oracle, uri)];
    const start = (): Promise<TestGateway> => useGateway(t, { bootstrapServers, manifests });
    const areEven = (gateways: readonly TestGateway[]): boolean =>
      gateways.every((gateway) => gateway.trigger().partitions === 2);
    const old = [await start(), await start(), await start()];
    await until(() => areEven(old), 30_000);
    oracle.watchCommits();
    const endLoad = oracle.load({ keys: 50 });
    await until(() => oracle.delivered > 200);

    const fresh: TestGateway[] = [];
    for (const [index, gateway] of old.entries()) {
      await gateway.stop();
      fresh.push(await start());
      await until(() => areEven([...old.slice(index + 1), ...fresh]), 30_000);
      const before = oracle.delivered;
      await until(() => oracle.delivered > before + 200);
    }
    await endLoad();

    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, [], 'nothing is delivered twice');
    t.ok(verdict.delivered > 800);
    t.comment(
      `${verdict.records} records; the longest pause of any lane with work was ${verdict.longestLanePauseMs} ms`,
    );
  },
);
