// Three brokers, and an unclean election: what only the dead leader had is lost, and other records stand at its offsets. Gateways had settled
// some of them, out of order too. The oracle: every record of the log that is left was accepted by the function before it counts as settled.
import t from 'tap';
import { startLocalKafka } from '../../cli/kafka/local-kafka.ts';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { consumeAll, uniqueName, withAdmin } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle, idOf, type Oracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

const limitMs = 60_000;
const kept = 100;
const lost = 50;
const later = 80;

t.setTimeout(300_000);

function acceptedIds({ receipts }: Oracle): (string | undefined)[] {
  return receipts.filter(({ acceptedMs }) => acceptedMs !== undefined).map(({ id }) => id);
}

t.test('what an unclean election puts at settled offsets is delivered', async (t) => {
  const kafka = await startLocalKafka({
    brokers: 3,
    properties: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
  });
  t.teardown(() => kafka.stop());
  const { bootstrapServers, brokers } = kafka;
  const [one, two] = brokers;
  const cases = (['classic', 'consumer'] as const).flatMap((protocol) =>
    (['running', 'away'] as const).map((meanwhile) => ({ protocol, meanwhile })),
  );
  const read = await Promise.all(
    cases.map(async ({ protocol, meanwhile }) => {
      const topic = uniqueName(`${protocol}-${meanwhile}`);
      const replicaAssignment = [{ partition: 0, replicas: [one!.id, two!.id] }];
      const created = { topics: [{ topic, replicaAssignment }], waitForLeaders: false };
      await withAdmin(bootstrapServers, (admin) => admin.createTopics(created));
      const ordering = 'none' as const;
      const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), ordering });
      await oracle.produce(kept);
      // The first of the records that will be lost never succeeds: those behind it are settled by the mark alone.
      const first = `r${kept + 1}`;
      const { uri } = await serveFunction(t, oracle, ({ receipts }) => ({
        status: receipts.some(({ id }) => id === first) ? 503 : 204,
      }));
      const manifests = [triggerManifest(oracle, uri)];
      const env = { KAFKA_GROUP_PROTOCOL: protocol };
      const start = () => useGateway(t, { bootstrapServers, manifests, env });
      return { meanwhile, protocol, topic, oracle, start };
    }),
  );

  await two!.kill();
  for (const { oracle } of read) await oracle.produce(lost);
  const gateways = await Promise.all(read.map(({ start }) => start()));
  for (const { oracle } of read) {
    await until(() => oracle.delivered === kept + lost - 1, limitMs);
    await until(async () => (await oracle.committed()).get(0) === BigInt(kept), limitMs);
  }
  for (const [index, { meanwhile }] of read.entries())
    if (meanwhile === 'away') await gateways[index]!.stop();

  await one!.kill();
  await two!.restart();
  for (const { oracle } of read) await oracle.produce(later);
  for (const { meanwhile, start } of read) if (meanwhile === 'away') await start();
  for (const { protocol, meanwhile, oracle, topic } of read) {
    const name = `${protocol}, ${meanwhile}`;
    await until(async () => (await oracle.committed()).get(0) === BigInt(kept + later), limitMs);
    const accepted = acceptedIds(oracle);
    const log = (await consumeAll(bootstrapServers, topic)).map(({ value }) => idOf(value));
    t.equal(log.length, kept + later, `${name}: the end of the log was lost`);
    t.strictSame(
      log.filter((id) => !accepted.includes(id)),
      [],
      `${name}: nothing unseen is settled`,
    );
    t.equal(accepted.length, new Set(accepted).size, `${name}: nothing comes twice that was proved settled`);
  }
});
