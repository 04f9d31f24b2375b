// Two controllers on a real API server: one leads, and the other takes over however the first one ends.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { leaseKind, serviceKind, triggerKind } from '../../core/resources/kinds.ts';
import type { KubernetesClient } from '../../core/contract/kubernetes-client.ts';
import { valueAt } from '../../core/contract/path.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { createClustersReader } from '../../core/kafka/offsets/offsets-of-clusters.ts';
import { startController, type Controller } from '../../controller/controller.ts';
import { createScalerProbe } from '../../scaler/grpc/scaler-probe.ts';
import type { LeaseTimes } from '../../core/kubernetes/leader-election.ts';
import { readKubernetesConfig } from '../../controller/config.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../fixtures/secrets/memory-secrets.ts';
import { createTriggerInformer } from '../../core/kubernetes/informers/trigger-informer.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { openTcpProxy, type TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds } from './fixtures/installation.ts';
import { createTenant, openClient, type Tenant } from './fixtures/tenant.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
await applyCrds(server);
const bootstrapServers = await useKafka(t);
const admin = await openClient(t, server.kubeconfig);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });

interface Candidate extends Controller {
  /** Every write that it requested, except those of the Lease. */
  readonly writes: readonly string[];
}

async function start(
  t: Test,
  { namespace }: Tenant,
  name: string,
  { kubeconfig = server.kubeconfig, leaseTimes }: { kubeconfig?: string; leaseTimes?: LeaseTimes } = {},
): Promise<Candidate> {
  const { writes, client } = writing(await openClient(t, kubeconfig));
  const kafka = createClustersReader({
    own: { brokers: bootstrapServers.split(','), clientId: name },
    secrets: memorySecrets(),
    log: () => undefined,
    onRequest: () => undefined,
  });
  const informer = createTriggerInformer({
    resources: client,
    namespaces: [namespace],
    checkExpression,
    functionUris: 'guarded',
  });
  t.teardown(() => informer.stop());
  const env = { WATCH_NAMESPACES: namespace, POD_NAMESPACE: namespace, POD_NAME: name };
  const controller = await startController({
    config: readKubernetesConfig(env),
    client,
    informer,
    kafka,
    backlog: () => Promise.resolve(0n),
    probe: createScalerProbe(),
    log: silentLog,
    emit: () => false,
    leaseTimes,
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= controller.stop());
  t.teardown(async () => {
    await stop();
    await kafka.close();
  });
  return {
    writes,
    stop,
    get isLeading() {
      return controller.isLeading;
    },
  };
}

/** A client that records each requested write. */
function writing(client: KubernetesClient): { client: KubernetesClient; writes: string[] } {
  const writes: string[] = [];
  const noting: KubernetesClient = {
    ...client,
    apply: (resource, options) => {
      writes.push(`apply ${resource.kind} ${resource.metadata.name}`);
      return client.apply(resource, options);
    },
    patch: (kind, namespace, name, merge) => {
      writes.push(`patch ${kind.kind} ${name}`);
      return client.patch(kind, namespace, name, merge);
    },
    remove: (kind, namespace, name, options) => {
      writes.push(`remove ${kind.kind} ${name}`);
      return client.remove(kind, namespace, name, options);
    },
  };
  return { client: noting, writes };
}

async function holder(tenant: Tenant): Promise<unknown> {
  const lease = await tenant.find(leaseKind, 'millrace-scaler');
  return valueAt(lease, ['spec', 'holderIdentity']);
}

t.test('only the leader writes, and when it stops the other leads before the Lease expires', async (t) => {
  const tenant = await createTenant(t, server, admin);
  const first = await start(t, tenant, 'first');
  await until(() => first.isLeading);
  const second = await start(t, tenant, 'second');
  await tenant.deploy('mailer', { topics: topic });
  await tenant.untilThere(serviceKind, 'mailer-millrace');
  t.equal(await holder(tenant), 'first');
  t.strictSame(second.writes, [], 'the follower writes nothing');

  await first.stop();
  // The Lease lasts 15 s.
  await until(() => second.isLeading, 5_000);
  t.equal(await holder(tenant), 'second');
  const { length } = first.writes;
  await tenant.deploy('mapper', { topics: topic });
  await tenant.untilThere(serviceKind, 'mapper-millrace');
  t.equal(first.writes.length, length);
  t.notOk(second.writes.includes('apply Service mailer-millrace'), 'what is up to date is not written again');
});

/** A kubeconfig that connects through the proxy. */
async function through(t: Test): Promise<{ kubeconfig: string; proxy: TcpProxy }> {
  const config = JSON.parse(await readFile(server.kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string } }[];
  };
  const { cluster } = config.clusters[0]!;
  const proxy = await openTcpProxy(t, { targetPort: Number(new URL(cluster.server).port) });
  cluster.server = `https://127.0.0.1:${proxy.port}`;
  const kubeconfig = join(t.testdir(), 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(config));
  return { kubeconfig, proxy };
}

const ends = {
  'is refused': ({ proxy }: { proxy: TcpProxy }) => {
    proxy.refuse();
    proxy.cut();
  },
  'gets no answer': ({ proxy }: { proxy: TcpProxy }) => proxy.stall(),
};

for (const [what, cut] of Object.entries(ends)) {
  t.test(`a leader that ${what} stops before the other one leads`, async (t) => {
    const leaseTimes = { lease: 4_000, renewWithin: 2_500, retry: 300 };
    const tenant = await createTenant(t, server, admin);
    const { kubeconfig, proxy } = await through(t);
    const first = await start(t, tenant, 'first', { kubeconfig, leaseTimes });
    await until(() => first.isLeading);
    const second = await start(t, tenant, 'second', { leaseTimes });
    await tenant.deploy('mailer', { topics: topic });
    await tenant.untilThere(serviceKind, 'mailer-millrace');

    cut({ proxy });
    await tenant.remove(serviceKind, 'mailer-millrace');
    let hadTwo = false;
    await until(() => {
      hadTwo ||= first.isLeading && second.isLeading;
      return second.isLeading;
    });
    t.notOk(hadTwo, 'never two leaders');
    t.equal(await holder(tenant), 'second');
    await tenant.untilThere(serviceKind, 'mailer-millrace');
    const { length } = first.writes;

    proxy.pass();
    await proxy.accept();
    await tenant.annotate('mailer', { topics: undefined });
    await tenant.untilGone(triggerKind, 'mailer');
    await tenant.untilGone(serviceKind, 'mailer-millrace');
    t.notOk(first.isLeading);
    t.strictSame(first.writes.slice(length), [], 'the former leader writes nothing more');
  });
}
