// Outages of the scaler, KEDA and the API server: events keep flowing to running functions, and sleeping ones wake afterwards.
import t from 'tap';
import { createRestricted, installMillrace, useCluster } from '../fixtures/kubernetes/cluster.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startApiServerOutage } from './api-server-outage.ts';
import { deployFunction } from './pod-function.ts';
import { setTimeout as delay } from 'node:timers/promises';

const pace = { keys: 100, perRequest: 20, pauseMs: 50, lead: 300 };

t.test('events keep flowing during outages of other components', { timeout: 1_200_000 }, async (t) => {
  const cluster = await useCluster(t);
  const millrace = await installMillrace(t, cluster);
  const namespace = await createRestricted(t, cluster, 'away');
  const awake = await deployFunction(t, cluster, {
    namespace,
    name: 'awake',
    annotations: { 'min-replicas': '1' },
  });
  const asleep = await deployFunction(t, cluster, { namespace, name: 'asleep' });
  await awake.untilReady();
  await asleep.untilReady();
  await awake.untilReplicas(1);
  await asleep.untilAsleep();
  for (const { oracle } of [awake, asleep]) oracle.watchCommits();
  const scale = async (place: string, name: string, replicas: number): Promise<void> => {
    const deployment = `deployment/${name}`;
    await cluster.kubectl(['-n', place, 'scale', deployment, `--replicas=${replicas}`]);
    if (replicas > 0) await cluster.kubectl(['-n', place, 'rollout', 'status', deployment, '--timeout=180s']);
    else await untilNoPods(place, name);
  };
  const untilNoPods = (place: string, name: string) =>
    until(async () => {
      const pods = await cluster.kubectl(['-n', place, 'get', 'pods', '-o', 'name']);
      return !pods.includes(`/${name}-`);
    }, 120_000);
  const endLoad = awake.oracle.load(pace);
  const flows = async (count = 300): Promise<void> => {
    const before = awake.oracle.delivered;
    await until(() => awake.oracle.delivered >= before + count, 60_000);
  };
  /** Records for a sleeping function wait for the end of the outage, and are delivered then. */
  const wakesAfterwards = async (recover: () => Promise<void>): Promise<void> => {
    const before = asleep.oracle.delivered;
    await asleep.oracle.produce(5);
    await delay(3_000);
    t.equal(asleep.oracle.delivered, before, 'records for the sleeping function wait');
    await recover();
    await until(() => asleep.oracle.delivered === before + 5, 240_000);
    await asleep.untilAsleep(240_000);
  };

  await t.test('an outage of the scaler', async (t) => {
    await scale(millrace.namespace, 'millrace-scaler', 0);
    await flows();
    await wakesAfterwards(() => scale(millrace.namespace, 'millrace-scaler', 2));
    await flows();
    t.pass('events keep flowing');
  });

  await t.test('an outage of KEDA', async (t) => {
    await scale('keda', 'keda-operator', 0);
    await flows();
    await wakesAfterwards(() => scale('keda', 'keda-operator', 1));
    await flows();
    t.pass('events keep flowing');
  });

  await t.test('an outage of the API server', async (t) => {
    const recover = await startApiServerOutage(t, cluster);
    const before = asleep.oracle.delivered;
    await asleep.oracle.produce(5);
    const untilMs = Date.now() + 75_000;
    while (Date.now() < untilMs) await flows(100);
    t.equal(asleep.oracle.delivered, before);
    await recover();
    await flows();
    t.pass('events keep flowing');
    await until(() => asleep.oracle.delivered === before + 5, 240_000);
    const restarts = await cluster.kubectl([
      '-n',
      millrace.namespace,
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/component=gateway',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    ]);
    t.match(restarts, /^0( 0)*$/, 'no gateway was restarted');
  });

  await endLoad();
  for (const { oracle, name } of [awake, asleep]) {
    const verdict = await oracle.verdict({ limitMs: 120_000 });
    t.strictSame(verdict.problems, [], name);
    t.strictSame(verdict.duplicates, [], `${name}: nothing is delivered twice`);
  }
});
