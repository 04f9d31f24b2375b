// Where brokers are, and where they may go, as a whole trigger meets it: addresses of IPv6 beside names, another port, a name that leads
// elsewhere, replicas nearby.
import dns from 'node:dns';
import { isIP } from 'node:net';
import t from 'tap';
import { findFreePorts } from '../../../../cli/kafka/free-ports.ts';
import { connectionsTo } from '../../../fixtures/connections.ts';
import { startFunction } from '../../../fixtures/function-server.ts';
import { triggerManifest, useGateway } from '../../../fixtures/gateway.ts';
import { createTopic, ownKafka, produce, uniqueName } from '../../../fixtures/kafka/kafka.ts';
import { serveFunction } from '../../../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../../../fixtures/oracle/oracle.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.setTimeout(300_000);
const [first = 0, second = 0, third = 0, other = 0] = await findFreePorts(4);
const name = 'kafka.millrace.test';

/** By broker: where its second listener is, and what clients are told of it. */
const outside = new Map([
  [1, { bound: `[::1]:${first}`, told: `[::1]:${first}` }],
  [2, { bound: `[::1]:${second}`, told: `[::1]:${second}` }],
  [3, { bound: `127.0.0.1:${third}`, told: `${name}:${third}` }],
]);

let nameLeadsTo = '127.0.0.1';
const lookup = dns.lookup;
dns.lookup = ((host: string, ...rest: [never, never]) =>
  lookup(host === name ? nameLeadsTo : host, ...rest)) as typeof lookup;
t.teardown(() => (dns.lookup = lookup));

const kafka = await ownKafka(t, {
  brokers: 3,
  properties: ({ id, port, controllerPort }) => {
    const { bound, told } = outside.get(id)!;
    const inside = `PLAINTEXT://127.0.0.1:${port}`;
    return {
      listeners: `${inside},OUTSIDE://${bound},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `${inside},OUTSIDE://${told}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'broker.rack': `rack-${id}`,
    };
  },
});
const { bootstrapServers } = kafka;
const [, wandering, renamed] = kafka.brokers;

t.test('brokers are found by one listener, and followed where they go', async (t) => {
  // One partition on each broker, and nowhere else.
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('addresses') });
  const { uri } = await serveFunction(t, oracle);
  const gateway = await useGateway(t, {
    bootstrapServers: `[::1]:${first}`,
    manifests: [triggerManifest(oracle, uri)],
  });
  oracle.watchCommits();
  const flow = async (): Promise<void> => {
    const { delivered } = oracle;
    await oracle.produce(300);
    await until(() => oracle.delivered === delivered + 300, 60_000);
    t.match(gateway.trigger(), { state: 'consuming', reason: '' });
  };
  const isConnectedTo = (port: number): boolean => connectionsTo(`:${port}`).length > 0;
  await flow();
  t.ok([first, second, third].every(isConnectedTo), 'each by what its listener tells');

  await t.test('the same broker at another port', async (t) => {
    await wandering!.stop();
    outside.set(2, { bound: `[::1]:${other}`, told: `[::1]:${other}` });
    await wandering!.restart();
    await flow();
    t.ok(isConnectedTo(other));
    await until(() => !isConnectedTo(second));
  });

  await t.test('a name that leads elsewhere', async (t) => {
    await renamed!.stop();
    nameLeadsTo = '127.0.0.2';
    outside.set(3, { bound: `127.0.0.2:${third}`, told: `${name}:${third}` });
    await renamed!.restart();
    await flow();
    const addresses = connectionsTo(`:${third}`).map(({ remoteAddress = '' }) => remoteAddress);
    t.strictSame([...new Set(addresses.filter(isIP))], ['127.0.0.2']);
  });
  const verdict = await oracle.verdict();
  t.strictSame([verdict.problems, verdict.duplicates], [[], []]);
});

t.test(
  'a gateway with a rack reads from the replicas there, and from leaders while these are away',
  async (t) => {
    const topic = await createTopic(t, bootstrapServers, { partitions: 3, replicas: 3 });
    const { origin } = await startFunction(t, () => 204);
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('rack') });
    const [near] = kafka.brokers;
    const gateway = await useGateway(t, {
      bootstrapServers,
      manifests: [triggerManifest(oracle, origin)],
      env: { KAFKA_CLIENT_RACK: 'rack-1' },
    });
    const valueBytes = 100_000;
    const flow = async (rounds: number): Promise<void> => {
      const { delivered } = gateway.trigger();
      for (let round = 0; round < rounds; round++)
        await until(
          () =>
            produce(
              bootstrapServers,
              topic,
              [0, 1, 2].map((partition) => ({ partition, value: Buffer.alloc(valueBytes) })),
            ),
          60_000,
        );
      await until(() => gateway.trigger().delivered >= delivered + 3 * rounds, 60_000);
    };
    const readFrom = (port: number): number =>
      connectionsTo(`:${port}`).reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    await until(() => gateway.trigger().state === 'consuming');
    // Leaders name the replicas with the first fetches.
    await flow(1);
    const before = kafka.brokers.map(({ port }) => readFrom(port));
    await flow(10);
    const reads = kafka.brokers.map(({ port }, index) => readFrom(port) - before[index]!);
    t.ok(reads[0]! > 30 * valueBytes && reads[1]! < valueBytes && reads[2]! < valueBytes, reads.join(' '));

    await near!.kill();
    await flow(1);
    await near!.restart();
  },
);
