// What is rendered: right by the schemas of Kubernetes and of all CRDs, and safe, whatever is set.
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { gatewaySettings, parseGatewayConfig } from '../../gateway/config.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { toolPath } from '../lab/tools.ts';
import {
  chartDir,
  find,
  podsOf,
  render,
  template,
  valueFiles,
  type Loose,
  type Manifest,
} from './fixtures/helm.ts';
import { schemaLocation, writeSchemas } from './fixtures/schemas.ts';

const neighbours = fileURLToPath(new URL('fixtures/neighbours.yaml', import.meta.url));

t.test('every resource is as its schema says, whatever is set', async (t) => {
  const dir = t.testdir();
  t.ok((await writeSchemas(dir, [neighbours, `${chartDir}files/crds/*.yaml`])) > 150);
  for (const [name, path] of valueFiles) {
    const { stdout } = await template('-f', path);
    t.strictSame(await conform(dir, stdout), [], name);
  }
  const broken = (await template('-f', valueFiles.get('default')!)).stdout.replace(
    '\n  replicas: 2',
    '\n  replica: 2',
  );
  t.match(await conform(dir, broken), [/^Deployment\/millrace-gateway: .*replica/], 'what is wrong is seen');
});

/** What kubeconform says against it. */
async function conform(schemaDir: string, text: string): Promise<string[]> {
  const path = `${schemaDir}/rendered.yaml`;
  await writeFile(path, text);
  const args = ['-strict', '-output', 'json', '-schema-location', schemaLocation(schemaDir), path];
  const { stdout } = await promisify(execFile)(await toolPath('kubeconform'), args).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { resources } = JSON.parse(stdout) as { resources?: { kind: string; name: string; msg: string }[] };
  return (resources ?? []).map(({ kind, name, msg }) => `${kind}/${name}: ${msg}`);
}

t.test(
  "pods are within OpenShift's restricted-v2 and the restricted standard, whatever is set",
  async (t) => {
    for (const name of valueFiles.keys()) {
      const pods = podsOf(await render(name));
      t.ok(pods.size >= 3, `${name}: ${[...pods.keys()].join(', ')}`);
      for (const [pod, { spec }] of pods) checkRestricted(t, `${name} ${pod}`, spec);
    }
  },
);

function checkRestricted(t: Test, name: string, spec: Loose): void {
  t.strictSame(
    spec.securityContext,
    { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    `${name}: no user or group is fixed`,
  );
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'])
    t.notOk(spec[field], `${name}: ${field}`);
  for (const volume of spec.volumes ?? [])
    t.ok(volume.secret ?? volume.configMap ?? volume.emptyDir, `${name}: volume ${volume.name}`);
  for (const { securityContext, resources, ports } of spec.containers) {
    t.strictSame(securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    t.ok(
      resources.requests.cpu && resources.requests.memory && resources.limits.memory,
      `${name}: resources`,
    );
    for (const { hostPort, containerPort } of ports ?? []) {
      t.equal(hostPort, undefined);
      t.ok(containerPort > 1024);
    }
  }
}

t.test('two of each, apart, and never both away', async (t) => {
  const manifests = await render('default');
  for (const name of ['millrace-gateway', 'millrace-scaler']) {
    const { spec } = find(manifests, 'Deployment', name);
    const labels = spec.selector.matchLabels;
    t.equal(spec.replicas, 2);
    t.strictSame(spec.strategy, { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    const spread = spec.template.spec.topologySpreadConstraints;
    t.match(spread, [
      { topologyKey: 'kubernetes.io/hostname' },
      { topologyKey: 'topology.kubernetes.io/zone' },
    ]);
    for (const { labelSelector } of spread) t.strictSame(labelSelector.matchLabels, labels);
    const budget = find(manifests, 'PodDisruptionBudget', name);
    t.match(budget.spec, { maxUnavailable: 1, selector: { matchLabels: labels } });
    t.match(spec.template.metadata.labels, labels);
    const [container] = spec.template.spec.containers;
    t.equal(container.livenessProbe.httpGet.path, '/healthz');
    t.match(container.readinessProbe.httpGet.path, /^\/readyz/);
    t.equal(container.image, 'millrace:0.1.0');
  }
  const gateway = find(manifests, 'Deployment', 'millrace-gateway').spec.template.spec;
  t.ok(gateway.terminationGracePeriodSeconds >= 25 + 10, 'longer than the drain');
});

t.test('nobody has a right to Secrets that are not named, and the gateway none to write', async (t) => {
  for (const name of valueFiles.keys()) {
    for (const { kind, metadata, rules } of await render(name)) {
      if (kind !== 'Role' && kind !== 'ClusterRole') continue;
      for (const { resources, verbs } of rules) {
        t.notOk([...resources, ...verbs].includes('*'), `${name} ${metadata.name}`);
        if (name === 'secured' && metadata.name.endsWith('-secrets')) continue;
        t.notOk(resources.includes('secrets'), `${name} ${metadata.name}`);
        if (metadata.labels?.['app.kubernetes.io/component'] === 'gateway')
          t.strictSame(verbs, ['get', 'list', 'watch'], `${name} ${metadata.name}`);
      }
    }
  }
});

t.test('with watchNamespaces nothing is granted for the whole cluster', async (t) => {
  const manifests = await render('watch-namespaces');
  t.strictSame(
    manifests.filter(({ kind }) => kind.startsWith('Cluster')),
    [],
  );
  const roles = manifests.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata);
  t.strictSame(roles.map(({ namespace, name }) => `${namespace ?? ''}/${name}`).toSorted(), [
    'geo/mill-millrace-gateway',
    'geo/mill-millrace-scaler',
    'mill/millrace-gateway-own',
    'mill/millrace-scaler-own',
    'shop/mill-millrace-gateway',
    'shop/mill-millrace-scaler',
  ]);
  t.equal(
    environment(manifests, 'Deployment', 'millrace-gateway').get('WATCH_NAMESPACES')?.value,
    'shop,geo',
  );
});

t.test('secrets that are there are used, and none is made', async (t) => {
  const manifests = await render('existing-secrets');
  t.notOk(manifests.some(({ kind }) => kind === 'Secret' || kind === 'ServiceAccount'));
  const gateway = environment(manifests, 'Deployment', 'millrace-gateway');
  t.strictSame(gateway.get('KAFKA_BROKERS')?.valueFrom.secretKeyRef, {
    name: 'kafka-access',
    key: 'bootstrap.servers',
  });
  t.strictSame(gateway.get('MILLRACE_ADMIN_TOKEN')?.valueFrom.secretKeyRef, {
    name: 'millrace-admin',
    key: 'token',
  });
  const { spec } = find(manifests, 'Deployment', 'millrace-scaler').spec.template;
  t.strictSame(spec.volumes, [{ name: 'tls', secret: { secretName: 'scaler-certificate' } }]);
  t.equal(spec.serviceAccountName, 'scaler');
});

t.test('a file of client properties is read where it is mounted', async (t) => {
  const manifests = await render('secured');
  for (const component of ['gateway', 'scaler']) {
    const variables = environment(manifests, 'Deployment', `millrace-${component}`);
    t.equal(variables.get('KAFKA_CONFIG')?.value, '/etc/millrace/kafka/client.properties');
    const { spec } = find(manifests, 'Deployment', `millrace-${component}`).spec.template;
    t.match(spec.volumes, [{ name: 'kafka', secret: { secretName: 'kafka-client' } }]);
    t.match(spec.containers[0].volumeMounts, [{ name: 'kafka', mountPath: '/etc/millrace/kafka' }]);
  }
});

t.test('Secrets are read by name, in the namespaces that are named, and listed nowhere', async (t) => {
  const manifests = await render('secured');
  const grants = manifests
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
    .flatMap(({ metadata, rules }) =>
      rules
        .filter(({ resources }: Loose) => /secrets|token/.test(String(resources)))
        .map((rule: Loose) => [metadata.namespace, rule.resources[0], rule.resourceNames, rule.verbs]),
    );
  const each = [
    ['geo', 'secrets', ['kafka-user', 'kafka-ca'], ['get']],
    ['shop', 'secrets', ['kafka-ca'], ['get']],
    ['shop', 'serviceaccounts/token', ['kafka'], ['create']],
  ];
  t.strictSame(grants, [...each, ...each], 'of the gateway and of the scaler');
});

t.test('what Strimzi runs is read where that is allowed', async (t) => {
  const readers = async (name: string): Promise<unknown[]> => {
    const roles = (await render(name)).filter(({ kind }) => kind.endsWith('Role'));
    return roles.flatMap(({ metadata, rules }) =>
      rules
        .filter(({ apiGroups }: Loose) => apiGroups.includes('kafka.strimzi.io'))
        .map(({ resources, verbs }: Loose) => [metadata.name, resources, verbs]),
    );
  };
  const what = [
    ['kafkas', 'kafkausers'],
    ['get', 'list', 'watch'],
  ];
  const found = await readers('secured');
  t.strictSame(
    found.map((reader) => (reader as unknown[]).slice(1)),
    [what, what],
  );
  t.strictSame(await readers('default'), []);
});

t.test('a digest pins the image', async (t) => {
  const manifests = await render('everything');
  for (const { spec } of podsOf(manifests).values())
    for (const { image } of spec.containers)
      t.match(image, /^registry\.example\.com\/tools\/millrace@sha256:[0-9a-f]{64}$/);
});

t.test('without TLS there is no certificate, and nobody is asked for one', async (t) => {
  const manifests = await render('plain');
  t.notOk(manifests.some(({ kind }) => kind === 'Secret' || kind === 'ConfigMap'));
  t.notOk(find(manifests, 'Deployment', 'millrace-scaler').spec.template.spec.volumes);
  t.equal(environment(manifests, 'Deployment', 'millrace-scaler').get('SCALER_TLS_CERT'), undefined);
  t.match(find(manifests, 'Pod', 'millrace-test').spec.containers[0].args, /grpc:\/\//);
});

t.test('KEDA, and nobody else outside, is admitted to the scaler', async (t) => {
  const policy = find(await render('openshift'), 'NetworkPolicy', 'millrace-scaler');
  const keda = policy.spec.ingress.find(({ from }: Loose) => JSON.stringify(from).includes('openshift-keda'));
  t.strictSame(keda.ports, [{ port: 6000, protocol: 'TCP' }]);
  t.equal(policy.spec.ingress.length, 3, 'our own, KEDA, metrics');
});

t.test(
  'nobody reads metrics but who is named, or pods named prometheus where they are monitored',
  async (t) => {
    const peersOf = async (...args: string[]): Promise<Loose[]> => {
      const policy = find(await render('default', ...args), 'NetworkPolicy', 'millrace-gateway');
      return policy.spec.ingress.flatMap(({ from }: Loose) => from);
    };
    const own = {
      podSelector: {
        matchLabels: { 'app.kubernetes.io/name': 'millrace', 'app.kubernetes.io/instance': 'millrace' },
      },
    };
    const prometheus = {
      namespaceSelector: {},
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
    };
    t.strictSame(await peersOf(), [own]);
    t.strictSame(await peersOf('--set', 'metrics.podMonitor.enabled=true'), [own, prometheus]);
    const named = 'networkPolicy.metricsFrom[0].ipBlock.cidr=10.0.0.0/8';
    t.strictSame(await peersOf('--set', named), [own, { ipBlock: { cidr: '10.0.0.0/8' } }]);
  },
);

t.test(
  'the certificate is for the names that the scaler has, and signed by the CA that is told',
  async (t) => {
    const manifests = await render('default');
    const pem = (name: string): string =>
      Buffer.from(find(manifests, 'Secret', 'millrace-scaler-tls').data[name], 'base64').toString();
    const [ca, certificate] = [new X509Certificate(pem('ca.crt')), new X509Certificate(pem('tls.crt'))];
    t.ok(certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
    for (const name of ['millrace-scaler', 'millrace-scaler.mill', 'millrace-scaler.mill.svc'])
      t.ok(certificate.checkHost(name), name);
    t.ok(certificate.checkPrivateKey(createPrivateKey(pem('tls.key'))));
    t.equal(find(manifests, 'ConfigMap', 'millrace-scaler-ca').data['ca.crt'].trim(), pem('ca.crt').trim());
    const address = environment(manifests, 'Deployment', 'millrace-scaler').get('SCALER_SERVICE')?.value;
    t.equal(address, 'millrace-scaler.mill.svc:6000');
  },
);

t.test('gateway and scaler understand all that they are told', async (t) => {
  for (const name of valueFiles.keys()) {
    const manifests = await render(name);
    const told = (component: string): Record<string, string> => {
      const release = name === 'everything' ? 'mill' : 'millrace';
      const variables = environment(manifests, 'Deployment', `${release}-${component}`).values();
      const standIn = (from: Loose): string =>
        from.secretKeyRef?.name === 'kafka-access' ? 'kafka:9092' : 'millrace-0-0-0-0-0';
      return Object.fromEntries([...variables].map((one) => [one.name, one.value ?? standIn(one.valueFrom)]));
    };
    const gateway = told('gateway');
    t.strictSame(
      Object.keys(gateway).filter(
        (variable) => !(variable in gatewaySettings) && !/^(POD_UID|NODE_OPTIONS)$/.test(variable),
      ),
      [],
      `${name}: nothing that the gateway does not know`,
    );
    const functionUris = name === 'everything' ? 'guarded' : 'refused';
    const tenantAddresses = name === 'everything' ? 'unguarded' : 'guarded';
    const kubernetes = { functionUris, tenantAddresses };
    t.match(parseGatewayConfig(gateway).kubernetes, { sharing: {}, ...kubernetes }, name);
    const config = readScalerConfig(told('scaler'));
    t.match(config, { grpcPort: 6000, httpPort: 8081, kubernetes }, name);
    t.equal(
      config.kubernetes?.scalerCaPath,
      name === 'plain' ? undefined : config.tls?.certPath.replace('tls.crt', 'ca.crt'),
    );
  }
});

function environment(manifests: readonly Manifest[], kind: string, name: string): Map<string, Loose> {
  const [container] = find(manifests, kind, name).spec.template.spec.containers;
  return new Map(container.env.map((variable: Loose) => [variable.name, variable]));
}
