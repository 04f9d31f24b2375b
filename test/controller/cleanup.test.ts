import t from 'tap';
import {
  deploymentKind,
  leaseKind,
  podKind,
  scaledObjectKind,
  serviceKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import * as kinds from '../../core/resources/kinds.ts';
import { cleanUp } from '../../controller/cleanup.ts';
import { specOf, startLeader } from '../../core/kubernetes/leader-election.ts';
import { readKubernetesConfig } from '../../controller/config.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTestController, triggerOf } from './fixtures/test-controller.ts';

const config = readKubernetesConfig({ POD_NAMESPACE: 'mill', POD_NAME: 'cleanup-1' });
const times = { handover: 200, keda: 500, poll: 20 };

t.test('everything that the controller made is deleted, and it makes nothing any more', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...controller } = startTestController(t, { scaler });
  const leader = startLeader({
    client,
    namespace: 'mill',
    name: config.leaseName,
    identity: 'scaler-1',
    times: { lease: 15_000, renewWithin: 10_000, retry: 20 },
    onLead: () => Promise.resolve(),
    onLose: () => controller.loop.stop(),
    onTrouble: () => undefined,
  });
  t.teardown(() => leader.stop());
  await client.create(deploymentOf('mailer', { 'millrace.dev/topics': 'earthquakes' }));
  await client.create(deploymentOf('other'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'], deployment: 'other' }));
  await controller.untilThere(scaledObjectKind, 'mailer');
  await controller.untilThere(scaledObjectKind, 'quakes');
  await until(() => leader.isLeading);
  const foreign = { name: 'theirs', namespace: 'geo' };
  await client.create({ ...scaledObjectKind, metadata: foreign });

  const printed: string[] = [];
  t.equal(await cleanUp({ client, config, times, print: (line) => printed.push(line) }), true);
  t.match(printed.join('\n'), /geo\/quakes removed.*geo\/mailer removed: it was made from annotations/s);
  for (const name of ['mailer', 'quakes']) {
    t.equal(await client.get(scaledObjectKind, 'geo', name), undefined);
    t.equal(await client.get(serviceKind, 'geo', `${name}-millrace`), undefined);
  }
  t.equal(await client.get(triggerKind, 'geo', 'mailer'), undefined);
  t.strictSame((await client.get(triggerKind, 'geo', 'quakes'))?.metadata.finalizers, []);
  t.ok(await client.get(scaledObjectKind, 'geo', 'theirs'));
  t.ok(await client.get(deploymentKind, 'geo', 'mailer'));
  const lease = await client.get(leaseKind, 'mill', config.leaseName);
  t.equal(lease && specOf(lease).holderIdentity, 'cleanup');
  t.equal(leader.isLeading, false);
});

t.test('the Lease outlives the pod of the leader, so that no other scaler leads', async (t) => {
  const client = new MemoryKubernetes();
  const podOf = (name: string) =>
    client.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'mill' } });
  const [leaving, cleaning] = [await podOf('scaler-1'), await podOf('cleanup-1')];
  const leader = startLeader({
    client,
    namespace: 'mill',
    name: config.leaseName,
    identity: 'scaler-1',
    podUid: leaving.metadata.uid,
    onLead: () => Promise.resolve(),
    onLose: () => Promise.resolve(),
    onTrouble: () => undefined,
  });
  t.teardown(() => leader.stop());
  await until(() => leader.isLeading);
  const own = { ...config, podUid: cleaning.metadata.uid };
  t.equal(await cleanUp({ client, config: own, times, print: () => undefined }), true);
  await client.remove(podKind, 'mill', 'scaler-1');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  t.ok(await client.get(leaseKind, 'mill', config.leaseName));
  await client.remove(podKind, 'mill', 'cleanup-1');
  await until(async () => (await client.get(leaseKind, 'mill', config.leaseName)) === undefined);
});

t.test('a deletion that KEDA does not finish is printed', async (t) => {
  const client = new MemoryKubernetes();
  const labels = { 'app.kubernetes.io/managed-by': 'millrace' };
  const metadata = { name: 'quakes', namespace: 'geo', labels, finalizers: ['finalizer.keda.sh'] };
  await client.create({ ...scaledObjectKind, metadata });
  const printed: string[] = [];
  t.equal(await cleanUp({ client, config, times, print: (line) => printed.push(line) }), false);
  t.match(printed.at(-1), /KEDA has not finished the deletion of geo\/quakes/);
});

t.test('without the CRD, or without KEDA, there is nothing to wait for', async (t) => {
  const without = (apiVersion: string) =>
    Object.values(kinds).filter((kind) => kind.apiVersion !== apiVersion);
  const print = (): void => undefined;
  const bare = new MemoryKubernetes({ kinds: without(triggerKind.apiVersion) });
  t.equal(await cleanUp({ client: bare, config, times, print }), true);
  const noKeda = new MemoryKubernetes({ kinds: without(scaledObjectKind.apiVersion) });
  await noKeda.create(triggerOf('quakes', {}));
  t.equal(await cleanUp({ client: noKeda, config, times, print }), true);
});
