// Two namespaces with the same names in them: each has its own group, function and events, and neither affects the other.
import t from 'tap';
import {
  createRestricted,
  installMillrace,
  useCluster,
  type TestCluster,
} from '../fixtures/kubernetes/cluster.ts';
import { until } from '../scaler/fixtures/until.ts';
import { deployFunction } from './pod-function.ts';

t.test('functions with the same name in two namespaces are independent', { timeout: 600_000 }, async (t) => {
  const cluster = await useCluster(t);
  await installMillrace(t, cluster);
  const namespaces = [await createRestricted(t, cluster, 'one'), await createRestricted(t, cluster, 'two')];
  const functions = [];
  for (const namespace of namespaces) {
    functions.push(await deployFunction(t, cluster, { namespace, name: 'mailer', partitions: 2 }));
  }
  for (const deployed of functions) await deployed.untilReady();
  for (const deployed of functions) await deployed.untilAsleep();
  const [one, two] = functions;
  await one!.oracle.produce(20);
  await until(() => one!.oracle.delivered === 20, 60_000);
  t.equal((await two!.replicas()).wanted, 0, 'the other function stays asleep');
  await two!.oracle.produce(10);
  await until(() => two!.oracle.delivered === 10, 60_000);
  for (const { oracle } of functions) {
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, [], 'each got its own');
    t.strictSame(verdict.duplicates, []);
  }

  await t.test("a trigger cannot use the other namespace's KafkaCluster", async (t) => {
    await cluster.kubectl(
      ['apply', '-n', namespaces[1]!, '-f', '-'],
      JSON.stringify({
        apiVersion: 'millrace.dev/v1alpha1',
        kind: 'KafkaCluster',
        metadata: { name: 'private' },
        spec: { bootstrapServers: cluster.bootstrapServers },
      }),
    );
    await one!.annotate({ cluster: 'private' });
    const ready = await until(async () => {
      const condition = await one!.ready();
      return condition?.status === 'False' ? condition : undefined;
    }, 60_000);
    t.match(ready.message, /private/);
  });
});

t.test(
  'an installation that watches one namespace has no access to the others',
  { timeout: 600_000 },
  async (t) => {
    const cluster = await useCluster(t);
    const watched = await createRestricted(t, cluster, 'watched');
    const other = await createRestricted(t, cluster, 'other');
    const { namespace } = await installMillrace(t, cluster, { values: [`watchNamespaces={${watched}}`] });
    for (const component of ['gateway', 'scaler']) {
      const account = `system:serviceaccount:${namespace}:millrace-${component}`;
      t.equal(
        await may(cluster, account, 'list', 'triggers.millrace.dev', watched),
        'yes',
        `${component} sees its triggers`,
      );
      for (const [verb, resource, place] of [
        ['list', 'triggers.millrace.dev', other],
        ['get', 'deployments.apps', other],
        ['list', 'secrets', watched],
        ['list', 'secrets', other],
      ] as const) {
        t.equal(
          await may(cluster, account, verb, resource, place),
          'no',
          `${component} may not ${verb} ${resource}`,
        );
      }
    }
    const gateway = `system:serviceaccount:${namespace}:millrace-gateway`;
    for (const [verb, resource] of [
      ['patch', 'triggers.millrace.dev'],
      ['create', 'services'],
      ['patch', 'deployments.apps'],
    ] as const) {
      t.equal(
        await may(cluster, gateway, verb, resource, watched),
        'no',
        `the gateway may not ${verb} ${resource}`,
      );
    }
    const seen = await deployFunction(t, cluster, { namespace: watched, name: 'seen', partitions: 1 });
    const unseen = await deployFunction(t, cluster, { namespace: other, name: 'unseen', partitions: 1 });
    await seen.untilReady();
    await seen.oracle.produce(3);
    await until(() => seen.oracle.delivered === 3, 60_000);
    t.equal(
      await unseen.kubectl(['get', 'triggers', '-o', 'name']),
      '',
      'there is no trigger for the unwatched function',
    );
  },
);

/** `yes` or `no`. kubectl exits with 1 for a no. */
async function may(
  { kubectl }: TestCluster,
  account: string,
  verb: string,
  resource: string,
  namespace: string,
): Promise<string> {
  const words = ['auth', 'can-i', verb, resource, '--namespace', namespace, '--as', account];
  return kubectl(words)
    .catch((error: unknown) => (error as { stdout?: string }).stdout ?? String(error))
    .then((answer) => answer.trim());
}
