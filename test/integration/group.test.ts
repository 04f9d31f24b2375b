// Two gateways in one group: members come and go under load, and nobody notices but the partitions.
import t from 'tap';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka.ts';
import { serveFunction } from '../fixtures/oracle-function.ts';
import { createOracle } from '../fixtures/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

for (const ordering of ['partition', 'key'] as const) {
  t.test(`the second joins under load, the first leaves: ordering ${ordering}`, async (t) => {
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
    t.strictSame(verdict.duplicates, [], 'none twice');
    t.ok(verdict.commitSamples > 0);
    t.comment(`${verdict.records} records, longest pause ${verdict.longestPauseMs} ms`);
  });
}
