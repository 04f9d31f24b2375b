import t from 'tap';
import {
  deploymentKind,
  leaseKind,
  scaledObjectKind,
  serviceKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import * as kinds from '../../core/resources/kinds.ts';
import { cleanUp } from '../../controller/cleanup.ts';
import { specOf, startLeader } from '../../core/kubernetes/leader-election.ts';
import { readKubernetesConfig } from '../../controller/controller-settings.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTerm, triggerOf } from './fixtures/term.ts';

const config = readKubernetesConfig({ POD_NAMESPACE: 'mill', POD_NAME: 'cleanup-1' });
const times = { handover: 200, keda: 500, poll: 20 };

t.test('all that was made goes, and the controller that made it makes nothing any more', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, ...term } = startTerm(t, { scaler });
  const leader = startLeader({
    client,
    namespace: 'mill',
    name: config.leaseName,
    identity: 'scaler-1',
    times: { lease: 15_000, renewWithin: 10_000, retry: 20 },
    onLead: () => Promise.resolve(),
    onLose: () => term.session.stop(),
    onTrouble: () => undefined,
  });
  t.teardown(() => leader.stop());
  await client.create(deploymentOf('mailer', { 'millrace.dev/topics': 'earthquakes' }));
  await client.create(deploymentOf('other'));
  await client.create(triggerOf('quakes', { topics: ['earthquakes'], deployment: 'other' }));
  await term.untilThere(scaledObjectKind, 'mailer');
  await term.untilThere(scaledObjectKind, 'quakes');
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

t.test('KEDA that does not let go is told', async (t) => {
  const client = new MemoryKubernetes();
  const labels = { 'app.kubernetes.io/managed-by': 'millrace' };
  const metadata = { name: 'quakes', namespace: 'geo', labels, finalizers: ['finalizer.keda.sh'] };
  await client.create({ ...scaledObjectKind, metadata });
  const printed: string[] = [];
  t.equal(await cleanUp({ client, config, times, print: (line) => printed.push(line) }), false);
  t.match(printed.at(-1), /KEDA has not let go of geo\/quakes/);
});

t.test('where there is nothing, nothing is done', async (t) => {
  const without = (apiVersion: string) =>
    Object.values(kinds).filter((kind) => kind.apiVersion !== apiVersion);
  const print = (): void => undefined;
  const bare = new MemoryKubernetes({ kinds: without(triggerKind.apiVersion) });
  t.equal(await cleanUp({ client: bare, config, times, print }), true);
  const noKeda = new MemoryKubernetes({ kinds: without(scaledObjectKind.apiVersion) });
  await noKeda.create(triggerOf('quakes', {}));
  t.equal(await cleanUp({ client: noKeda, config, times, print }), true);
});
