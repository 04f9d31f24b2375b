// The rendered manifests: valid by the schemas of Kubernetes and of all CRDs, and safe, for any values.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { gatewaySettings, readGatewayConfig } from '../../gateway/config.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { kedaCrd } from '../lab/keda.ts';
import { strimziCrds } from '../lab/strimzi-crds.ts';
import { toolPath } from '../lab/tools.ts';
import {
  chartDir,
  find,
  helm,
  kubeVersion,
  podsOf,
  render,
  template,
  valueFiles,
  type Loose,
  type Manifest,
} from './fixtures/helm.ts';
import { schemaLocation, writeSchemas } from './fixtures/schemas.ts';

const neighbours = fileURLToPath(new URL('fixtures/neighbours.yaml', import.meta.url));

t.test('every resource is valid by its schema, for any values', async (t) => {
  const dir = t.testdir();
  const ofStrimzi = join(t.testdirName, 'strimzi.yaml');
  await writeFile(
    ofStrimzi,
    (await strimziCrds(['v1', 'v1beta2'])).map((crd) => JSON.stringify(crd)).join('\n---\n'),
  );
  const ofKeda = await kedaCrd('clustertriggerauthentications');
  t.ok((await writeSchemas(dir, [neighbours, ofKeda, ofStrimzi, `${chartDir}files/crds/*.yaml`])) > 150);
  for (const [name, path] of valueFiles) {
    const { stdout } = await template('-f', path);
    t.strictSame(await conform(dir, stdout), [], name);
  }
  const older = ['--api-versions', 'kafka.strimzi.io/v1beta2', '--set', 'keda.check=false'];
  const { stdout } = await helm(
    'template',
    chartDir,
    '--kube-version',
    kubeVersion,
    '-f',
    valueFiles.get('strimzi')!,
    ...older,
  );
  t.match(stdout, /kafka\.strimzi\.io\/v1beta2\nkind: KafkaTopic/);
  t.strictSame(await conform(dir, stdout), [], 'where Strimzi is older than 0.49');
  const broken = (await template('-f', valueFiles.get('default')!)).stdout.replace(
    '\n  replicas: 2',
    '\n  replica: 2',
  );
  t.match(
    await conform(dir, broken),
    [/^Deployment\/millrace-gateway: .*replica/],
    'kubeconform finds a wrong field',
  );
});

/** The errors that kubeconform reports. */
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
    for (const { spec } of podsOf(await render('default')).values())
      t.notMatch(JSON.stringify(spec), /runAs(User|Group)/, 'no user or group is fixed, unless it is set');
  },
);

function checkRestricted(t: Test, name: string, spec: Loose): void {
  t.match(spec.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, name);
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'])
    t.notOk(spec[field], `${name}: ${field}`);
  for (const volume of spec.volumes ?? [])
    t.ok(
      volume.secret ?? volume.configMap ?? volume.emptyDir ?? volume.projected,
      `${name}: volume ${volume.name}`,
    );
  for (const { securityContext, resources, ports } of spec.containers) {
    t.match(securityContext, {
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

t.test('two pods of each component are spread, and never both down', async (t) => {
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
    t.match(container.livenessProbe.httpGet, { path: '/healthz', scheme: 'HTTPS' });
    t.match(container.readinessProbe.httpGet, { path: /^\/readyz/, scheme: 'HTTPS' });
    t.equal(container.image, 'registry.example.com/millrace:0.1.0');
  }
  const gateway = find(manifests, 'Deployment', 'millrace-gateway').spec.template.spec;
  t.ok(gateway.terminationGracePeriodSeconds >= 25 + 10, 'longer than the drain');
});

t.test('nobody may read Secrets that are not named, and the gateway may not write', async (t) => {
  for (const name of valueFiles.keys()) {
    for (const { kind, metadata, rules } of await render(name)) {
      if (kind !== 'Role' && kind !== 'ClusterRole') continue;
      for (const { resources = [], verbs } of rules) {
        t.notOk([...resources, ...verbs].includes('*'), `${name} ${metadata.name}`);
        if (metadata.name.endsWith('-certificates')) continue;
        if (/-(secrets|strimzi)$/.test(metadata.name) && ['secured', 'strimzi'].includes(name)) continue;
        t.notOk(resources.includes('secrets'), `${name} ${metadata.name}`);
        // Scalers recognize a gateway by its right to create activations. No such resource exists.
        if (resources.includes('activations')) t.match(metadata.name, /-gateway-own$/);
        else if (metadata.labels?.['app.kubernetes.io/component'] === 'gateway')
          t.strictSame(verbs, ['get', 'list', 'watch'], `${name} ${metadata.name}`);
      }
    }
  }
});

t.test('with watchNamespaces the only cluster-wide right is to create reviews', async (t) => {
  const manifests = await render('watch-namespaces');
  const clusterWide = (all: readonly Manifest[]) =>
    all.flatMap(({ kind, ...one }) => (kind.startsWith('Cluster') ? `${kind} ${one.roleRef.name}` : []));
  const delegation = 'ClusterRoleBinding system:auth-delegator';
  t.strictSame(clusterWide(manifests), [delegation, delegation]);
  t.strictSame(clusterWide(await render('watch-namespaces', '--set', 'access.tokenReviews=false')), []);
  const roles = manifests.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata);
  t.strictSame(roles.map(({ namespace, name }) => `${namespace ?? ''}/${name}`).toSorted(), [
    'geo/mill-millrace-gateway',
    'geo/mill-millrace-scaler',
    'mill/mill-millrace-certificates',
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

t.test('the chart uses existing Secrets and makes none', async (t) => {
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

t.test('gateway and scaler read the mounted client properties', async (t) => {
  const manifests = await render('secured');
  for (const component of ['gateway', 'scaler']) {
    const variables = environment(manifests, 'Deployment', `millrace-${component}`);
    t.equal(variables.get('KAFKA_CONFIG')?.value, '/etc/millrace/kafka/client.properties');
    const { spec } = find(manifests, 'Deployment', `millrace-${component}`).spec.template;
    t.match(spec.volumes, [{ name: 'kafka', secret: { secretName: 'kafka-client' } }]);
    t.match(spec.containers[0].volumeMounts, [{ name: 'kafka', mountPath: '/etc/millrace/kafka' }]);
  }
});

t.test(
  'secretAccess grants Secrets by name in the given namespaces, once in each, and no list',
  async (t) => {
    const manifests = await render('secured');
    const grants = manifests
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap(({ metadata, rules }) =>
        metadata.name.endsWith('-certificates')
          ? []
          : rules
              .filter(({ resources }: Loose) => /secrets|token/.test(String(resources)))
              .map((rule: Loose) => [metadata.namespace, rule.resources[0], rule.resourceNames, rule.verbs]),
      );
    const each = [
      ['geo', 'secrets', ['kafka-user', 'kafka-ca', 'registry'], ['get']],
      ['shop', 'secrets', ['kafka-ca'], ['get']],
      ['shop', 'serviceaccounts/token', ['kafka'], ['create']],
    ];
    t.strictSame(grants, [...each, ...each], 'of the gateway and of the scaler');
  },
);

t.test('a digest pins the image', async (t) => {
  const manifests = await render('everything');
  for (const { spec } of podsOf(manifests).values())
    for (const { image } of spec.containers)
      t.match(image, /^registry\.example\.com\/tools\/millrace@sha256:[0-9a-f]{64}$/);
});

t.test('without TLS there is no certificate, and clients expect none', async (t) => {
  const manifests = await render('plain');
  t.notOk(manifests.some(({ kind }) => kind === 'Secret' || kind === 'ConfigMap'));
  t.notOk(find(manifests, 'Deployment', 'millrace-scaler').spec.template.spec.volumes);
  t.equal(environment(manifests, 'Deployment', 'millrace-scaler').get('SCALER_TLS_CERT'), undefined);
  t.match(find(manifests, 'Pod', 'millrace-test').spec.containers[0].args, /grpc:\/\//);
});

t.test('the NetworkPolicy lets only KEDA connect to the scaler from outside', async (t) => {
  const policy = find(await render('openshift'), 'NetworkPolicy', 'millrace-scaler');
  const keda = policy.spec.ingress.find(({ from }: Loose) => JSON.stringify(from).includes('openshift-keda'));
  t.strictSame(keda.ports, [{ port: 6000, protocol: 'TCP' }]);
  t.equal(policy.spec.ingress.length, 3, 'own pods, KEDA, metrics');
});

t.test(
  'only the given peers read metrics or, with a PodMonitor, pods with the label prometheus',
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

t.test('a gateway has only the CA of the scaler, and a token for Millrace only', async (t) => {
  const { volumes } = find(await render('default'), 'Deployment', 'millrace-gateway').spec.template.spec;
  const volume = (name: string): Loose => volumes.find((one: Loose) => one.name === name);
  t.strictSame(volume('scaler-ca').secret, {
    secretName: 'millrace-scaler-tls',
    items: [{ key: 'ca.crt', path: 'ca.crt' }],
  });
  t.match(volume('token').projected.sources, [{ serviceAccountToken: { audience: 'millrace' } }]);
});

t.test('an editor of a namespace may skip records, a viewer may not', async (t) => {
  const roles = (await render('default')).filter(
    ({ kind, metadata }) =>
      kind === 'ClusterRole' && metadata.labels?.['app.kubernetes.io/component'] === 'access',
  );
  const verbsOn = (role: string, resource: string): string[] =>
    roles
      .filter(({ metadata }) => metadata.name.endsWith(`-${role}`))
      .flatMap(({ rules }) => rules)
      .flatMap(({ resources, verbs }: Loose) => (resources.includes(resource) ? verbs : []));
  t.strictSame(verbsOn('view', 'triggers'), ['get', 'list', 'watch']);
  t.strictSame(verbsOn('view', 'triggers/records'), []);
  t.strictSame(verbsOn('edit', 'triggers/records'), ['update']);
});

t.test('Prometheus reads metrics over TLS, with an account that has no other right', async (t) => {
  const manifests = await render('openshift');
  for (const component of ['gateway', 'scaler']) {
    const [endpoint] = find(manifests, 'PodMonitor', `millrace-${component}`).spec.podMetricsEndpoints;
    t.match(endpoint, {
      scheme: 'https',
      tlsConfig: {
        serverName: `millrace-${component}.mill.svc`,
        ca: { secret: { name: `millrace-${component}-tls`, key: 'ca.crt' } },
      },
      authorization: { credentials: { name: 'millrace-metrics', key: 'token' } },
    });
  }
  const { rules, metadata } = manifests.find(
    (one) => one.kind === 'ClusterRole' && one.metadata.name.endsWith('-metrics'),
  )!;
  t.strictSame(rules, [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
  const binding = find(manifests, 'ClusterRoleBinding', metadata.name);
  t.match(binding.subjects, [{ kind: 'ServiceAccount', name: 'millrace-metrics', namespace: 'mill' }]);
  t.match(find(manifests, 'Secret', 'millrace-metrics'), {
    type: 'kubernetes.io/service-account-token',
    metadata: { annotations: { 'kubernetes.io/service-account.name': 'millrace-metrics' } },
  });
  const open = await render('openshift', '--set', 'access.metrics=anybody');
  t.notOk(
    open.some(({ metadata }) => metadata.name.endsWith('-metrics')),
    'no account if metrics need no token',
  );
});

const targets = (name: string): Loose[] => [
  { parameter: 'caCert', name, key: 'ca.crt' },
  { parameter: 'tlsClientCert', name, key: 'tls.crt' },
  { parameter: 'tlsClientKey', name, key: 'tls.key' },
];

t.test(
  'cert-manager or the user may provide the certificate of KEDA, from the CA of the scaler',
  async (t) => {
    const byCertManager = await render('everything');
    const certificate = find(byCertManager, 'Certificate', 'mill-scaler.mill');
    t.match(certificate, {
      metadata: { namespace: 'autoscaling' },
      spec: { secretName: 'mill-scaler.mill', issuerRef: { kind: 'ClusterIssuer', name: 'platform' } },
    });
    t.ok(certificate.spec.usages.includes('client auth'));
    t.ok(find(byCertManager, 'Certificate', 'mill-scaler').spec.usages.includes('client auth'));
    const given = await render('existing-secrets');
    const { spec } = find(given, 'ClusterTriggerAuthentication', 'millrace-scaler.mill');
    t.strictSame(spec, { secretTargetRef: targets('keda-certificate') });
    for (const [manifests, scaler] of [
      [byCertManager, 'mill-scaler'],
      [given, 'millrace-scaler'],
    ] as const) {
      const variables = environment(manifests, 'Deployment', scaler);
      t.equal(variables.get('SCALER_TLS_CLIENT_CA')?.value, '/etc/millrace/tls/ca.crt');
    }
  },
);

t.test('helm test presents the certificate of the scaler with mutual TLS', async (t) => {
  const mutual = find(await render('mutual-tls'), 'Pod', 'millrace-test').spec;
  const shown = ['--client-cert=/etc/millrace/scaler/tls.crt', '--client-key=/etc/millrace/scaler/tls.key'];
  t.strictSame(mutual.containers[0].args.slice(-2), shown);
  const scaler = ({ volumes }: Loose): Loose => volumes.find(({ name }: Loose) => name === 'scaler');
  t.strictSame(scaler(mutual).secret, { secretName: 'millrace-scaler-tls' });
  const plain = find(await render('default'), 'Pod', 'millrace-test').spec;
  t.strictSame(scaler(plain).secret.items, [{ key: 'ca.crt', path: 'ca.crt' }], 'and has it only then');
});

t.test('gateway and scaler accept every variable that the chart sets', async (t) => {
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
        (variable) =>
          !(variable in gatewaySettings) && !/^(POD_UID|NODE_OPTIONS|HTTPS_PROXY)$/.test(variable),
      ),
      [],
      `${name}: no variable that the gateway does not know`,
    );
    const functionUris = name === 'everything' ? 'guarded' : 'refused';
    const tenantAddresses = name === 'everything' ? 'unguarded' : 'guarded';
    const { kubernetes, access } = readGatewayConfig(gateway);
    t.match(kubernetes, { sharing: {}, functionUris, tenantAddresses }, name);
    t.equal(access.trustsLoopback, name === 'plain', `${name}: loopback gives no access, unless configured`);
    t.equal(access.oidc?.caPath, name === 'everything' ? '/etc/millrace/oidc/ca.crt' : undefined);
    const config = readScalerConfig(told('scaler'));
    t.strictSame(config.access, access);
    t.match(config, { grpcPort: 6000, httpPort: 8081, kubernetes: { functionUris, tenantAddresses } }, name);
    t.equal(
      config.kubernetes?.scalerCaPath,
      name === 'plain' ? undefined : config.tls?.certPath.replace('tls.crt', 'ca.crt'),
    );
    const isMutual = ['everything', 'existing-secrets', 'mutual-tls'].includes(name);
    t.equal(
      config.tls?.clientCaPath !== undefined,
      isMutual,
      `${name}: the scaler requires a client certificate`,
    );
    t.equal(config.kubernetes?.clusterAuthentication !== undefined, isMutual);
  }
});

function environment(manifests: readonly Manifest[], kind: string, name: string): Map<string, Loose> {
  const [container] = find(manifests, kind, name).spec.template.spec.containers;
  return new Map(container.env.map((variable: Loose) => [variable.name, variable]));
}
