// KafkaClusters of tenants with brokers at refused addresses, in an installation with the default guard: the Trigger reports it, and Millrace
// connects to nothing. The guard does not apply to the installation's own brokers, here on loopback.
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { findFreePorts } from '../../cli/kafka/free-ports.ts';
import { kafkaClusterKind } from '../../core/resources/kinds.ts';
import { createTopic, ownKafka } from '../fixtures/kafka/kafka.ts';
import { useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { countConnections } from '../fixtures/tenant-guard.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';

t.setTimeout(240_000);
/** An address of this machine that other machines can reach. */
const host = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const [openPort = 0] = await findFreePorts(1);
const kafka = await ownKafka(t, {
  properties: ({ port, controllerPort }) => ({
    listeners: [
      `PLAINTEXT://127.0.0.1:${port}`,
      `CONTROLLER://127.0.0.1:${controllerPort}`,
      `OPEN://${host ?? '127.0.0.1'}:${openPort}`,
    ].join(),
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},OPEN://${host ?? '127.0.0.1'}:${openPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT',
  }),
});
const { bootstrapServers } = kafka;
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
const client = await openClient(t, server.kubeconfig);
const tenant = await createTenant(t, server, client);
const { namespace } = tenant;
const watchNamespaces = [namespace];
const options = { server, bootstrapServers, watchNamespaces, tenantAddresses: 'guarded' } as const;
const installation = await install(t, options);
const gateway = await installation.startGateway(t);

/** A Deployment, and a KafkaCluster with these brokers that its trigger reads from, both named `name`. */
async function readBy(name: string, brokers: string): Promise<void> {
  const { apiVersion, kind } = kafkaClusterKind;
  await client.create({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: { bootstrapServers: brokers },
  });
  await tenant.deploy(name, { topics: topic, cluster: name });
}

t.test('scaler and gateway report a refused address, whether anything listens there or not', async (t) => {
  const { port, connections } = await countConnections(t);
  const places = {
    'by-name': `localhost:${port}`,
    'by-address': `127.0.0.2:${port}`,
    'to-nobody': '127.0.0.2:1',
    'to-a-cloud': '169.254.169.254:80',
  };
  const why = /is not connected to: .* is a (loopback|link-local) address/;
  for (const [name, place] of Object.entries(places)) {
    await readBy(name, place);
    const { status, message } = await tenant.untilCondition(name, 'SourceReady', 'AddressRefused');
    t.equal(status, 'False', name);
    t.match(message, why, name);
    t.ok(message.startsWith(`the broker ${place} is not connected to`), message);
    const found = () => gateway.snapshot().find(({ key }) => key === `${namespace}/${name}`);
    await until(() => found()?.state === 'failing');
    t.match(found()?.reason, why, name);
  }
  t.equal(connections(), 0);
});

t.test('the installation’s own brokers may have any address', async () => {
  await tenant.deploy('of-the-installation', { topics: topic });
  await tenant.untilCondition('of-the-installation', 'SourceReady', 'Consuming');
});

t.test('tenants may use private addresses', { skip: host === undefined }, async () => {
  await readBy('private', `${host}:${openPort}`);
  await tenant.untilCondition('private', 'SourceReady', 'Consuming');
});
