// Rollouts of functions, gateways and scalers under load: nothing is lost or delivered twice.
import t from 'tap';
import { createRestricted, installMillrace, useCluster } from '../fixtures/kubernetes/cluster.ts';
import { until } from '../scaler/fixtures/until.ts';
import { deployFunction, type PodFunction } from './pod-function.ts';

const pace = { keys: 100, perRequest: 20, pauseMs: 50, lead: 300 };

t.test('rollouts under load lose and repeat nothing', { timeout: 900_000 }, async (t) => {
  const cluster = await useCluster(t);
  const millrace = await installMillrace(t, cluster);
  const namespace = await createRestricted(t, cluster, 'rollouts');
  const deployed = await deployFunction(t, cluster, {
    namespace,
    annotations: { 'min-replicas': '2', 'max-replicas': '3', 'lag-threshold': '500' },
  });
  const { oracle } = deployed;
  await deployed.untilReady();
  await deployed.untilReplicas(2);
  oracle.watchCommits();
  const endLoad = oracle.load(pace);
  await goesOn(deployed, 300);

  const rollOut = async (place: string, name: string): Promise<void> => {
    await cluster.kubectl(['-n', place, 'rollout', 'restart', `deployment/${name}`]);
    await cluster.kubectl(['-n', place, 'rollout', 'status', `deployment/${name}`, '--timeout=180s']);
    await goesOn(deployed, 300);
    t.pass(`${name} is replaced`);
  };
  await rollOut(namespace, deployed.name);
  await rollOut(millrace.namespace, 'millrace-gateway');
  await rollOut(millrace.namespace, 'millrace-scaler');

  await deployed.annotate({ 'min-replicas': '1' });
  await until(async () => (await deployed.replicas()).wanted === 1, 90_000);
  await until(async () => (await deployed.podCount()) === 1, 90_000);
  await goesOn(deployed, 300);
  await endLoad();

  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'nothing is delivered twice');
  t.comment(`${verdict.records} records; a lane paused for at most ${verdict.longestLanePauseMs} ms`);
});

/** Waits until `count` more records are delivered. */
export async function goesOn({ oracle }: PodFunction, count: number, limitMs = 60_000): Promise<void> {
  const before = oracle.delivered;
  await until(() => oracle.delivered >= before + count, limitMs);
}
