// The demo in a cluster: it refuses one that has no Millrace; elsewhere its counts add up, it removes what a killed run has left, and leaves
// nothing behind.
import t, { type Test } from 'tap';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { runCli, startCli, type Ended } from '../cli/fixtures/run-cli.ts';
import { installMillrace, useCluster, type TestCluster } from '../fixtures/kubernetes/cluster.ts';
import { uniqueName } from '../fixtures/kafka/kafka.ts';
import type { ClusterSummary } from '../../cli/demo/cluster/cluster-summary.ts';

const records = 300;

t.test('the demo in a cluster', { timeout: 600_000 }, async (t) => {
  const cluster = await useCluster(t);
  const namespace = uniqueName('demo');
  const args = [
    'demo',
    '--kubeconfig',
    cluster.kubeconfig,
    '--namespace',
    namespace,
    '--limit',
    `${records}`,
  ];

  await t.test('without Millrace there is one line that says how to install it', async (t) => {
    const { code, stdout, stderr } = await runCli(t, args);
    t.equal(code, 1);
    t.equal(stdout, '');
    t.match(
      stderr,
      /^millrace: Millrace is not installed in this cluster: helm install .+\n {2}MILLRACE_TOOL_MISSING: .+\n$/,
    );
    t.strictSame(await leftOf(cluster, namespace), { namespaces: '', topics: [] });
  });

  await installMillrace(t, cluster);

  await t.test('a namespace that is not its own is not touched', async (t) => {
    const { code, stderr } = await runCli(t, [...args, '--namespace', 'default']);
    t.equal(code, 2);
    t.match(stderr, /the namespace default exists, and was not created by the demo: .*--namespace\n/);
  });

  await t.test('Ctrl-C removes all of it', async (t) => {
    const demo = startCli(t, args);
    await demo.output(/^a swarm/m);
    demo.interrupt();
    const { code, stdout } = await demo.ended;
    t.equal(code, 0);
    t.match(stdout, /^Interrupted: /m);
    t.strictSame(await leftOf(cluster, namespace), { namespaces: '', topics: [] });
  });

  await t.test('what an earlier run has left is removed; the summary adds up; nothing is left', async (t) => {
    const labels = { 'millrace.dev/demo': 'true' };
    const left = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(left));
    const ended = await runCli(t, [...args, '--once', '--json']);
    t.equal(ended.code, 0, ended.stderr);
    t.match(ended.stderr, `removing the namespace ${namespace}, which an earlier run has left behind`);
    checkSummary(t, ended);
    t.strictSame(await leftOf(cluster, namespace), { namespaces: '', topics: [] });
  });
});

function checkSummary(t: Test, { stdout, stderr }: Ended): void {
  const summary = JSON.parse(stdout) as ClusterSummary;
  const { 'quake-alerts': alerts, 'quake-stats': stats } = summary.triggers;
  t.comment(stdout);
  t.match(summary, { records, duplicates: 0, finalReplicas: 0 }, stderr);
  t.match(stats, { filtered: 0, arrived: records, finalBacklog: '0' });
  t.equal(alerts!.filtered + alerts!.arrived, records);
  t.ok(alerts!.arrived > 0 && alerts!.filtered > 0);
  for (const { coldStartsMs, maxReplicas } of [alerts!, stats!]) {
    t.equal(coldStartsMs.length, 2, 'it woke, slept, and woke again');
    t.ok(maxReplicas >= 1);
  }
}

async function leftOf(
  { kubectl, bootstrapServers }: TestCluster,
  namespace: string,
): Promise<{ namespaces: string; topics: string[] }> {
  const selector = `kubernetes.io/metadata.name=${namespace}`;
  const namespaces = await kubectl(['get', 'namespaces', '-l', selector, '-o', 'name']);
  const admin = createKafka({ brokers: [bootstrapServers], clientId: 'test' }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${namespace}.`));
  await admin.disconnect();
  return { namespaces, topics };
}
