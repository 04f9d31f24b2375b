// The life cycle of the chart: installed, tested, upgraded and rolled back under load, and uninstalled without a trace.
import t from 'tap';
import {
  chartArguments,
  createRestricted,
  useCluster,
  type TestCluster,
} from '../fixtures/kubernetes/cluster.ts';
import { until } from '../scaler/fixtures/until.ts';
import { deployFunction } from './pod-function.ts';

/** Kinds that change by themselves, or that belong to the test. */
const passing =
  /^(events|endpoints|endpointslices|leases|pods|replicasets|controllerrevisions|namespaces|componentstatuses)(\.|$)|metrics\.k8s\.io/;

t.test(
  'the chart is installed, upgraded and rolled back without loss, and uninstalled without a trace',
  { timeout: 900_000 },
  async (t) => {
    const cluster = await useCluster(t);
    const namespace = await createRestricted(t, cluster, 'chart');
    const functions = await createRestricted(t, cluster, 'functions');
    const place = ['--namespace', namespace];
    const wait = ['--wait', '--timeout=4m'];
    const before = await inventory(cluster, await kindsOf(cluster));

    await cluster.helm(['install', 'millrace', ...place, ...chartArguments(cluster), ...wait]);
    await cluster.helm(['test', 'millrace', ...place, '--timeout=2m']);
    t.pass('the installation passes helm test');

    const deployed = await deployFunction(t, cluster, {
      namespace: functions,
      annotations: { 'min-replicas': '1' },
    });
    const { oracle } = deployed;
    await deployed.untilReady();
    oracle.watchCommits();
    const endLoad = oracle.load({ keys: 100, perRequest: 20, pauseMs: 50, lead: 300 });
    const goesOn = async (): Promise<void> => {
      const delivered = oracle.delivered;
      await until(() => oracle.delivered >= delivered + 200, 60_000);
    };
    await goesOn();
    const changed = chartArguments(cluster, ['logLevel=info', 'gateway.maxRecords=100000']);
    await cluster.helm(['upgrade', 'millrace', ...place, ...changed, ...wait]);
    await goesOn();
    t.pass('upgraded');
    await cluster.helm(['rollback', 'millrace', '1', ...place, ...wait]);
    await goesOn();
    t.pass('rolled back');
    await endLoad();
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, [], 'nothing is delivered twice');

    await cluster.helm(['uninstall', 'millrace', ...place, ...wait]);
    t.equal((await deployed.replicas()).wanted, 1, 'the replicas of the Deployment are restored');
    await deployed.kubectl(['delete', 'deployment', deployed.name, '--wait']);
    const left = await until(async () => {
      const now = await inventory(cluster, await kindsOf(cluster));
      const fresh = now.filter((name) => !before.includes(name));
      return fresh.length === 0 && fresh;
    }, 60_000).catch(async () => {
      const now = await inventory(cluster, await kindsOf(cluster));
      return now.filter((name) => !before.includes(name));
    });
    t.strictSame(left, [], 'nothing is left');
  },
);

async function kindsOf({ kubectl }: TestCluster): Promise<string[]> {
  const kinds = (await kubectl(['api-resources', '--verbs=list', '-o', 'name'])).split('\n').filter(Boolean);
  return kinds.filter((kind) => !passing.test(kind));
}

/** Every resource of these kinds, as `NAMESPACE KIND NAME`. */
async function inventory({ kubectl }: TestCluster, kinds: readonly string[]): Promise<string[]> {
  const path = '{range .items[*]}{.metadata.namespace} {.kind} {.metadata.name}{"\\n"}{end}';
  const found = await kubectl(['get', kinds.join(','), '--all-namespaces', '-o', `jsonpath=${path}`]);
  return found.split('\n').filter(Boolean).toSorted();
}
