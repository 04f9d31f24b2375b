// The demo in a cluster. It refuses a cluster without Millrace. Otherwise its account adds up, and it removes what a killed run left, and
// everything of its own.
import t, { type Test } from 'tap';
import { createKafka } from '../../core/kafka/connection/kafka-client.ts';
import { runCli, startCli, type Ended } from '../cli/fixtures/run-cli.ts';
import { installMillrace, useCluster, type TestCluster } from '../fixtures/kubernetes/cluster.ts';
import { uniqueName } from '../fixtures/kafka/kafka.ts';
import type { ClusterAccount } from '../../cli/demo/cluster/cluster-account.ts';

const records = 300;

t.test('the demo runs in a cluster', { timeout: 600_000 }, async (t) => {
  const cluster = await useCluster(t);
  const namespace = uniqueName('demo');
  const args = [
    'demo',
    '--kubernetes',
    cluster.kubeconfig,
    '--namespace',
    namespace,
    '--limit',
    `${records}`,
  ];

  await t.test('without Millrace the demo prints one line that says how to install it', async (t) => {
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

  await t.test('the demo refuses a namespace that it did not make', async (t) => {
    const { code, stderr } = await runCli(t, [...args, '--namespace', 'default']);
    t.equal(code, 1);
    t.match(stderr, /the namespace default is there, and was not made by the demo: .*--namespace\n/);
  });

  await t.test('Ctrl-C removes everything', async (t) => {
    const demo = startCli(t, args);
    await demo.output(/^a swarm/m);
    demo.interrupt();
    const { code, stdout } = await demo.ended;
    t.equal(code, 0);
    t.match(stdout, /^Interrupted: /m);
    t.strictSame(await leftOf(cluster, namespace), { namespaces: '', topics: [] });
  });

  await t.test(
    'the demo removes what an earlier run left, its account adds up, and it leaves nothing',
    async (t) => {
      const labels = { 'millrace.dev/demo': 'true' };
      const left = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(left));
      const ended = await runCli(t, [...args, '--once', '--json']);
      t.equal(ended.code, 0, ended.stderr);
      t.match(ended.stderr, `removing the namespace ${namespace}, which an earlier run has left`);
      checkAccount(t, ended);
      t.strictSame(await leftOf(cluster, namespace), { namespaces: '', topics: [] });
    },
  );
});

function checkAccount(t: Test, { stdout, stderr }: Ended): void {
  const account = JSON.parse(stdout) as ClusterAccount;
  const { 'quake-alerts': alerts, 'quake-stats': stats } = account.triggers;
  t.comment(stdout);
  t.match(account, { records, duplicates: 0, finalReplicas: 0 }, stderr);
  t.match(stats, { filtered: 0, arrived: records, finalBacklog: '0' });
  t.equal(alerts!.filtered + alerts!.arrived, records);
  t.ok(alerts!.arrived > 0 && alerts!.filtered > 0);
  for (const { coldStartsMs, maxReplicas } of [alerts!, stats!]) {
    t.equal(coldStartsMs.length, 2, 'the function woke, slept and woke again');
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
