// A gateway process that is suspended past its session timeout and resumes. By then another gateway has its partitions.
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { spawnGateway, triggerManifest } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);

t.test(
  'a gateway that resumes past its session sends nothing before it is a member again',
  { timeout: 200_000 },
  async (t) => {
    const bootstrapServers = await useKafka(t);
    const topic = await createTopic(t, bootstrapServers, { partitions: 4 });
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
    const { uri } = await serveFunction(t, oracle, async () => {
      await delay(20);
      return { status: 204 };
    });
    const manifests = [triggerManifest(oracle, uri)];
    const first = await spawnGateway(t, { bootstrapServers, manifests });
    const second = await spawnGateway(t, { bootstrapServers, manifests });
    await until(
      async () => (await first.trigger()).partitions === 2 && (await second.trigger()).partitions === 2,
    );
    // More than it can deliver in time: its memory is full of records that will belong to the other gateway.
    await oracle.produce(3_000);
    oracle.watchCommits();
    await until(() => oracle.delivered > 200 && oracle.inFlight > 2);

    first.signal('SIGSTOP');
    const stoppedAtMs = Date.now();
    // Excuses what was settled since the last commit, and what was in flight. Nothing later is excused.
    oracle.expose({ why: 'stopped', fromMs: stoppedAtMs - 1_000, toMs: stoppedAtMs });
    await until(async () => (await second.trigger()).partitions === 4, 60_000);
    const taken = oracle.delivered;
    await until(() => oracle.delivered > taken + 100);
    first.signal('SIGCONT');
    await until(async () => {
      const { ready, partitions } = await first.trigger();
      return ready && partitions === 2;
    }, 60_000);

    const verdict = await oracle.verdict({ limitMs: 120_000 });
    t.strictSame(verdict.problems, []);
    t.equal(verdict.delivered, 3_000);
    t.strictSame(
      verdict.unexplained,
      [],
      'only records in flight, or not yet committed, at the stop are repeated',
    );
    t.comment(`${verdict.duplicates.length} twice of ${verdict.exposed} exposed`);
  },
);
