// The chart on a real API server: admitted under the restricted Pod Security Standard, installed, upgraded, rolled back, uninstalled.
// There is no node: pods are created and never run, and a test marks some of them as succeeded.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { apiServer, createNamespace, type ApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { kedaCrd } from '../lab/keda.ts';
import { until } from '../scaler/fixtures/until.ts';
import {
  chartDir,
  helm,
  podsOf,
  render,
  required,
  valueFiles,
  type Ended,
  type Loose,
} from './fixtures/helm.ts';

t.setTimeout(600_000);

const restricted = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/enforce-version': 'latest',
};

/** An API server of its own, because CRDs are cluster-wide. It has the CRDs of KEDA and of other systems that the chart works with. */
const server = await withNeighbours();

async function withNeighbours(): Promise<ApiServer> {
  const plane = await startControlPlane();
  t.teardown(() => plane.stop());
  const server = apiServer(plane.kubeconfig);
  const files = await Promise.all(
    ['scaledobjects', 'triggerauthentications', 'clustertriggerauthentications'].map((name) => kedaCrd(name)),
  );
  const neighbours = join(import.meta.dirname, 'fixtures', 'neighbours.yaml');
  for (const file of [...files, neighbours])
    await server.kubectl(['apply', '--server-side', '-f', '-'], await readFile(file, 'utf8'));
  await server.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  return server;
}

const helmHere = (namespace: string, command: string, ...args: string[]): Promise<Ended> =>
  helm(command, '--kubeconfig', server.kubeconfig, '-n', namespace, ...args);
const read = async (...args: string[]): Promise<Loose> =>
  JSON.parse(await server.kubectl(['get', '-o', 'json', ...args]));

async function install(t: { equal: Test['equal'] }, namespace: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await helmHere(namespace, 'install', 'millrace', chartDir, ...args);
  t.equal(code, 0, stderr);
}

t.test('every pod meets the restricted standard, for any values', async (t) => {
  const namespace = await createNamespace(t, server, restricted);
  for (const account of [
    'millrace-gateway',
    'millrace-scaler',
    'mill-gateway',
    'mill-scaler',
    'gateway',
    'scaler',
    'millrace-certificates',
  ])
    await server.kubectl(['create', 'serviceaccount', account, '-n', namespace]);
  for (const name of valueFiles.keys()) {
    for (const [pod, { metadata, spec }] of podsOf(await render(name))) {
      const one = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'tried', labels: metadata.labels },
        spec,
      };
      const tried = server.kubectl(
        ['create', '--dry-run=server', '-n', namespace, '-f', '-'],
        JSON.stringify(one),
      );
      await t.resolves(tried, `${name} ${pod}`);
    }
  }
  const root = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'root' },
    spec: { containers: [{ name: 'a', image: 'a' }] },
  };
  const refused = server.kubectl(
    ['create', '--dry-run=server', '-n', namespace, '-f', '-'],
    JSON.stringify(root),
  );
  await t.rejects(refused, /violates PodSecurity "restricted/, 'the namespace enforces the standard');
});

t.test('the API server accepts everything that the chart renders, without warnings', async (t) => {
  const namespace = await createNamespace(t, server, restricted);
  for (const name of ['default', 'everything', 'openshift', 'plain']) {
    const args = ['-f', valueFiles.get(name)!, '--dry-run=server', '--set', 'crds.enabled=false'];
    const { code, stderr } = await helmHere(namespace, 'install', 'millrace', chartDir, ...args);
    t.match({ code, stderr }, { code: 0, stderr: '' }, name);
  }
});

t.test('the chart is installed, upgraded, rolled back and uninstalled', async (t) => {
  const namespace = await createNamespace(t, server, restricted);
  await t.test('gateway and scaler have two pods each, and a Job makes their certificates', async (t) => {
    await install(t, namespace, ...required);
    const { items } = await until(async () => {
      const pods = await read('pods', '-n', namespace);
      return pods.items.length === 5 ? pods : undefined;
    });
    const components = items.map(({ metadata }: Loose) => metadata.labels['app.kubernetes.io/component']);
    t.strictSame(components.toSorted(), ['certificates', 'gateway', 'gateway', 'scaler', 'scaler']);
  });

  await t.test('gateway and scaler have the least rights', async (t) => {
    await checkRights(t, namespace);
  });

  await t.test('a second installation fails unless it leaves the CRDs to the first', async (t) => {
    const other = await createNamespace(t, server);
    const again = await helmHere(other, 'install', 'millrace', chartDir, ...required);
    t.match(again.stderr, /CustomResourceDefinition .* exists and cannot be imported/);
    await install(t, other, ...required, '--set', 'crds.enabled=false');
    await helmHere(other, 'uninstall', 'millrace', '--no-hooks');
  });

  await t.test('an upgrade changes the values, and a rollback restores them', async (t) => {
    const args = [...required, '--set', 'gateway.replicas=3'];
    t.equal((await helmHere(namespace, 'upgrade', 'millrace', chartDir, ...args)).code, 0);
    t.equal((await read('deployment', 'millrace-gateway', '-n', namespace)).spec.replicas, 3);
    t.equal((await helmHere(namespace, 'rollback', 'millrace', '1')).code, 0);
    t.equal((await read('deployment', 'millrace-gateway', '-n', namespace)).spec.replicas, 2);
  });

  await t.test('uninstall cleans up first and keeps the CRDs', async (t) => {
    const ended = helmHere(namespace, 'uninstall', 'millrace');
    const pod = await until(async () => {
      const { items } = await read('pods', '-n', namespace, '-l', 'app.kubernetes.io/component=cleanup');
      return items[0];
    });
    t.strictSame(pod.spec.containers[0].args, ['cleanup']);
    t.equal(pod.spec.serviceAccountName, 'millrace-scaler');
    t.ok(
      await read('deployment', 'millrace-scaler', '-n', namespace),
      'the scaler still exists during the cleanup',
    );
    await succeed(namespace, pod.metadata.name);
    const { code, stderr } = await ended;
    t.equal(code, 0, stderr);
    await checkNothingLeft(t, namespace);
    const kept = await read('crd', '-l', 'app.kubernetes.io/name=millrace');
    t.equal(kept.items.length, 2, 'the CRDs stay');
  });

  await t.test('a new installation adopts the existing CRDs', async (t) => {
    await install(t, namespace, ...required, '--set', 'crds.keep=false');
    await helmHere(namespace, 'uninstall', 'millrace', '--no-hooks');
    await until(async () => (await read('crd', '-l', 'app.kubernetes.io/name=millrace')).items.length === 0);
    t.pass('without crds.keep uninstall removes them');
  });
});

t.test('the chart finds KEDA, and its Job then makes a client certificate for it', async (t) => {
  const own = await createNamespace(t, server, restricted);
  const [keda, other] = [await createNamespace(t, server), await createNamespace(t, server)];
  const operator = (env: readonly object[]): Promise<string> => {
    const labels = { app: 'keda-operator' };
    const spec = { containers: [{ name: 'keda', image: 'keda', env }] };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'keda-operator', namespace: keda },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    };
    return server.kubectl(['apply', '-f', '-'], JSON.stringify(deployment));
  };
  const name = `millrace-scaler.${own}`;
  const role = `${own}-millrace-certificates`;
  const namesOfSecrets = async (namespace: string): Promise<Loose> =>
    (await read('role', role, '-n', namespace)).rules[0].resourceNames;
  const args = [...required, '--set', `crds.enabled=false,keda.namespaces={nowhere,${keda}}`];
  const upgrade = async (...more: string[]): Promise<string> => {
    const { code, stdout, stderr } = await helmHere(own, 'upgrade', 'millrace', chartDir, ...args, ...more);
    t.equal(code, 0, stderr);
    return stdout;
  };

  await install(t, own, ...args);
  t.equal(
    (await read('clustertriggerauthentications.keda.sh')).items.length,
    0,
    'without KEDA there is none',
  );
  t.match(
    await upgrade(),
    /any pod in nowhere, .* may ask for backlogs\. To require a client certificate, set\nscaler\.tls\.clients\.kedaNamespace=/,
  );
  await operator([]);
  t.notMatch(await upgrade(), /any pod in/);
  t.strictSame(await namesOfSecrets(keda), [name], 'where KEDA is, the Job may write this Secret alone');
  t.ok(await read('clustertriggerauthentication', name));

  await operator([{ name: 'KEDA_CLUSTER_OBJECT_NAMESPACE', value: other }]);
  await upgrade();
  t.strictSame(await namesOfSecrets(other), [name], 'in the namespace where KEDA reads cluster-wide objects');
  await t.rejects(namesOfSecrets(keda), /not found/);

  await upgrade('--set', 'scaler.tls.clients.enabled=false');
  await t.rejects(read('clustertriggerauthentication', name), /not found/);
  await upgrade();
  await helmHere(own, 'uninstall', 'millrace', '--no-hooks');
  await checkNothingLeft(t, own, keda, other);
  t.equal((await read('clustertriggerauthentications.keda.sh')).items.length, 0);
});

const writing = ['create', 'update', 'patch', 'delete'];
const ours = ['millrace.dev/triggers', 'millrace.dev/kafkaclusters'];
const made = ['/services', 'keda.sh/scaledobjects'];
const ofCa = ['/configmaps', 'keda.sh/triggerauthentications'];

/** Checks the rights of both accounts with the API server. */
async function checkRights(t: Test, own: string): Promise<void> {
  const reading = ['get', 'list', 'watch'];
  await checkMay(t, own, true, [
    ...rights('gateway', reading, [...ours, 'discovery.k8s.io/endpointslices']),
    ...rights('gateway', reading, ['discovery.k8s.io/endpointslices'], own),
    ...rights('scaler', reading, [...ours, 'apps/deployments', ...made]),
    ...rights('scaler', ['create', 'patch', 'delete'], ['millrace.dev/triggers', ...made]),
    ...rights('scaler', ['patch'], ['millrace.dev/triggers/status', '/events']),
    ...rights('scaler', ['get', ...writing], ofCa, 'default', 'millrace-scaler-ca'),
    ...rights('scaler', ['get'], ['apps/statefulsets/scale', 'argoproj.io/rollouts/scale', '/namespaces']),
    ...rights('scaler', ['update'], ['millrace.dev/triggers/finalizers']),
    ...rights('scaler', ['create'], ['coordination.k8s.io/leases'], own),
    ...rights('scaler', ['get', 'update'], ['coordination.k8s.io/leases'], own, 'millrace-scaler'),
  ]);
  await checkMay(t, own, false, [
    ...rights('gateway', writing, [
      ...ours,
      'millrace.dev/triggers/status',
      'discovery.k8s.io/endpointslices',
      ...made,
    ]),
    ...rights(
      'gateway',
      ['get', 'list'],
      ['/pods', '/configmaps', 'apps/deployments', 'coordination.k8s.io/leases'],
    ),
    ...['gateway', 'scaler'].flatMap((account) =>
      ['default', own].flatMap((where) => rights(account, [...reading, ...writing], ['/secrets'], where)),
    ),
    ...rights('scaler', writing, [
      'apps/deployments',
      'apps/deployments/scale',
      '/pods',
      'millrace.dev/kafkaclusters',
    ]),
    ...rights('scaler', ['get', 'update'], ['coordination.k8s.io/leases'], own, 'another'),
    ...rights('scaler', [...reading, ...writing], ofCa),
    ...rights('scaler', [...reading, ...writing], ofCa, 'default', 'another'),
    ...rights('scaler', reading, ['apps/statefulsets']),
    ...rights('scaler', ['list', 'watch', ...writing], ['/namespaces']),
  ]);
}

interface Right {
  readonly account: string;
  readonly verb: string;
  /** `group/resource`, or `group/resource/subresource`. */
  readonly what: string;
  readonly where: string;
  /** The name of one resource. Default: any. */
  readonly name?: string | undefined;
}

function rights(
  account: string,
  verbs: readonly string[],
  whats: readonly string[],
  where = 'default',
  name?: string,
): Right[] {
  return whats.flatMap((what) => verbs.map((verb) => ({ account, verb, what, where, name })));
}

/** Asks for all rights in one request, each as `kubectl auth can-i --as` does. */
async function checkMay(t: Test, own: string, expected: boolean, asked: readonly Right[]): Promise<void> {
  const items = asked.map(({ account, verb, what, where, name }) => {
    const [group, resource, subresource] = what.split('/');
    return {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${own}:millrace-${account}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${own}`, 'system:authenticated'],
        resourceAttributes: { group, resource, subresource, verb, namespace: where, name },
      },
    };
  });
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const allowed = '-o=jsonpath={.status.allowed}{"\\n"}';
  const answers = (await server.kubectl(['create', allowed, '-f', '-'], list)).trim().split('\n');
  t.equal(answers.length, asked.length);
  const wrong = asked.filter((_, index) => answers[index] !== String(expected));
  const unexpected = wrong.map(({ account, verb, what, where }) => `${account} ${verb} ${what} in ${where}`);
  t.strictSame(
    unexpected,
    [],
    expected ? 'the account needs this right' : 'the account must not have this right',
  );
}

t.test('with watchNamespaces both accounts have no rights in other namespaces', async (t) => {
  const [own, shop, geo] = [
    await createNamespace(t, server, restricted),
    await createNamespace(t, server),
    await createNamespace(t, server),
  ];
  await install(
    t,
    own,
    ...required,
    '--set',
    `watchNamespaces={${shop}},crds.enabled=false,rbac.aggregate=false`,
  );
  for (const account of ['gateway', 'scaler']) {
    await checkMay(t, own, true, rights(account, ['list', 'watch'], ours, shop));
    await checkMay(t, own, false, rights(account, ['get', 'list', 'watch'], [...ours, '/services'], geo));
  }
  await helmHere(own, 'uninstall', 'millrace', '--no-hooks');
  await checkNothingLeft(t, own, shop);
});

t.test('helm test checks gateway and scaler', async (t) => {
  const namespace = await createNamespace(t, server, restricted);
  await install(t, namespace, ...required, '--set', 'crds.enabled=false');
  const ended = helmHere(namespace, 'test', 'millrace');
  const pod = await until(() => read('pod', 'millrace-test', '-n', namespace));
  t.strictSame(pod.spec.containers[0].args, [
    'check',
    `https://millrace-gateway.${namespace}.svc:9464/readyz?patience=PT30S`,
    `https://millrace-scaler.${namespace}.svc:8081/readyz`,
    `grpcs://millrace-scaler.${namespace}.svc:6000`,
    '--ca=/etc/millrace/gateway/ca.crt',
    '--ca=/etc/millrace/scaler/ca.crt',
  ]);
  await succeed(namespace, 'millrace-test');
  const { code, stderr } = await ended;
  t.equal(code, 0, stderr);
  await helmHere(namespace, 'uninstall', 'millrace', '--no-hooks');
});

t.test('without KEDA the chart reports it and installs nothing', async (t) => {
  const namespace = await createNamespace(t, server);
  await server.kubectl(['delete', 'crd', 'scaledobjects.keda.sh']);
  const args = [...required, '--set', 'crds.enabled=false', '--dry-run=server'];
  // The API server stops serving the kind a moment later.
  const refusal = await until(async () => {
    const { code, stderr } = await helmHere(namespace, 'install', 'millrace', chartDir, ...args);
    return code === 0 ? undefined : stderr;
  });
  t.match(refusal, /Millrace scales functions through KEDA, and this cluster has no KEDA/);
});

/** Marks a pod as succeeded, as a kubelet does. */
async function succeed(namespace: string, pod: string): Promise<void> {
  const patch = JSON.stringify({ status: { phase: 'Succeeded' } });
  await server.kubectl(['patch', 'pod', pod, '-n', namespace, '--subresource=status', '-p', patch]);
}

async function checkNothingLeft(t: Test, ...namespaces: string[]): Promise<void> {
  const kinds =
    'deployments,services,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,jobs,configmaps';
  const labels = ['-l', 'app.kubernetes.io/name=millrace,app.kubernetes.io/component'];
  for (const namespace of namespaces)
    t.strictSame((await read(kinds, '-n', namespace, ...labels)).items, [], namespace);
  t.strictSame(
    (await read('clusterroles,clusterrolebindings', ...labels)).items.filter(({ metadata }: Loose) =>
      metadata.name.includes(namespaces[0]),
    ),
    [],
  );
}
