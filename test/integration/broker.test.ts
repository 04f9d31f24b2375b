// The broker goes down under load, in every possible way, and comes back. The gateway keeps running, loses nothing, keeps the order and
// sends nothing twice.
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { createTopic, ownKafka, uniqueName } from '../fixtures/kafka/kafka.ts';
import { countMembers } from '../fixtures/kafka/members-of.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import type { LocalBroker } from '../../cli/kafka/local-kafka.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(600_000);

const outages: Record<string, (broker: LocalBroker) => Promise<void>> = {
  'killed by SIGKILL': async (broker) => {
    await broker.kill();
    await broker.restart();
  },
  'stopped in order': async (broker) => {
    await broker.stop();
    await broker.restart();
  },
  'stopped by SIGSTOP for four seconds': async (broker) => {
    broker.suspend();
    // The length of the outage. The test waits for no condition here.
    await delay(4_000);
    broker.continue();
  },
};

t.test('a gateway survives a broker that goes down under load', { timeout: 240_000 }, async (t) => {
  const kafka = await ownKafka(t);
  const { bootstrapServers } = kafka;
  const broker = kafka.brokers[0]!;
  for (const [name, outage] of Object.entries(outages)) {
    await t.test(name, { timeout: 120_000 }, async (t) => {
      const topic = await createTopic(t, bootstrapServers, { partitions: 6 });
      const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
      const { uri } = await serveFunction(t, oracle, async () => {
        await delay(2);
        return { status: 204 };
      });
      const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, uri)] });
      oracle.watchCommits();
      const endLoad = oracle.load({ perRequest: 50 });
      await until(() => oracle.delivered > 500 && oracle.inFlight > 0);

      await outage(broker);

      const before = oracle.delivered;
      let mostMembers = 0;
      await until(async () => {
        mostMembers = Math.max(mostMembers, await countMembers(bootstrapServers, oracle.options.group));
        return oracle.delivered > before + 500;
      }, 60_000);
      t.equal(mostMembers, 1, 'the gateway keeps its member id: no session has to expire');
      await endLoad();
      const verdict = await oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates.length, 0, 'nothing is delivered twice');
      t.equal(gateway.trigger().state, 'consuming');
      t.equal(gateway.trigger().queued, 0);
      t.comment(
        `${verdict.records} records, ${verdict.duplicates.length} twice, longest pause ${verdict.longestPauseMs} ms`,
      );
    });
  }
});

t.test(
  'a gateway that starts while the broker is down is not ready, and recovers',
  { timeout: 90_000 },
  async (t) => {
    const kafka = await ownKafka(t);
    const { bootstrapServers } = kafka;
    const broker = kafka.brokers[0]!;
    const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
    await oracle.produce(100);
    await broker.stop();

    const { uri } = await serveFunction(t, oracle);
    const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, uri)] });
    await until(() => gateway.trigger().state === 'failing');
    t.match(gateway.trigger().reason, /no connection to Kafka/);
    const readiness = await fetch(`${gateway.adminUrl}/readyz`);
    t.equal(readiness.status, 503);
    const liveness = await fetch(`${gateway.adminUrl}/healthz`);
    t.equal(liveness.status, 200, 'a restart of the gateway would not help');

    await broker.restart();
    oracle.watchCommits();
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, []);
    t.equal(verdict.delivered, 100);
  },
);

t.test('a gateway stops although the broker is down', { timeout: 90_000 }, async (t) => {
  const kafka = await ownKafka(t);
  const { bootstrapServers } = kafka;
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const { uri } = await serveFunction(t, oracle);
  const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, uri)] });
  await oracle.produce(10);
  await until(() => oracle.delivered === 10);
  await kafka.brokers[0]!.kill();
  await gateway.stop();
  t.equal(gateway.trigger(), undefined);
});
