// What is set in one way for every pod: gateway, scaler, hooks, the Job and the test.
import t from 'tap';
import { find, podsOf, render, type Loose } from './fixtures/helm.ts';

t.test('every pod takes the same settings', async (t) => {
  const pods = podsOf(await render('pods'));
  t.equal(pods.size, 5);
  for (const [name, { metadata, spec }] of pods) {
    const [container] = spec.containers;
    t.match(metadata.labels, { 'example.com/mesh': 'off', 'cost-centre': '7' }, name);
    t.match(metadata.annotations, { 'example.com/scrape': 'true' }, name);
    t.match(spec, {
      imagePullSecrets: [{ name: 'registry' }, { name: 'mirror' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'dedicated' }],
      topologySpreadConstraints: [
        { labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'millrace' } } },
      ],
      priorityClassName: 'system-cluster-critical',
    });
    t.ok(spec.affinity.nodeAffinity, name);
    t.strictSame(
      spec.securityContext,
      {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
        runAsUser: 1000,
        fsGroup: 1000,
        runAsGroup: 1000,
      },
      `${name}: merged`,
    );
    t.match(container.securityContext, { runAsUser: 2000, readOnlyRootFilesystem: true });
    t.strictSame(container.resources.limits, { cpu: '1', memory: '128Mi' });
    t.ok(container.env.some((one: Loose) => one.name === 'HTTPS_PROXY'));
    t.match(container.envFrom, [{ configMapRef: { name: 'more' } }]);
    t.ok(spec.volumes.some((one: Loose) => one.name === 'cache'));
    t.ok(container.volumeMounts.some((one: Loose) => one.mountPath === '/var/cache/millrace'));
    t.equal(container.image, 'mirror.example.com/proxy/millrace:0.1.0');
  }
});

t.test('hooks run where the scaler does, unless they say otherwise', async (t) => {
  const placed = ['--set', 'scaler.nodeSelector.pool=system', '--set', 'test.nodeSelector.pool=ci'];
  const pods = podsOf(await render('default', ...placed));
  const poolOf = (name: string): unknown => pods.get(name)?.spec.nodeSelector?.pool;
  t.equal(poolOf('Job/millrace-cleanup'), 'system');
  t.equal(poolOf('Pod/millrace-test'), 'ci');
  t.equal(poolOf('Deployment/millrace-gateway'), undefined);
});

t.test('null removes a limit, and a section that is null has its defaults', async (t) => {
  const resources = (manifests: Loose): Loose =>
    find(manifests, 'Deployment', 'millrace-gateway').spec.template.spec.containers[0].resources;
  const without = await render('default', '--set', 'gateway.resources.limits=null');
  t.strictSame(resources(without), { requests: { cpu: '250m', memory: '512Mi' } });
  const [absent, usual] = [
    await render('absent'),
    await render('absent', '-f', 'charts/millrace/ci/default-values.yaml'),
  ];
  const shape = ({ kind, metadata }: Loose): string => `${kind}/${metadata.name}`;
  t.strictSame(absent.map(shape), usual.map(shape));
  t.strictSame(resources(absent), resources(usual));
});

t.test('all Services have the IP families that are set', async (t) => {
  const services = (await render('pods')).filter(({ kind }) => kind === 'Service');
  t.equal(services.length, 3);
  for (const { spec } of services)
    t.match(spec, { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] });
});

t.test('with autoscaling, nothing but the autoscaler sets the number of gateways', async (t) => {
  const manifests = await render('autoscaled');
  t.notOk('replicas' in find(manifests, 'Deployment', 'millrace-gateway').spec);
  t.match(find(manifests, 'HorizontalPodAutoscaler', 'millrace-gateway').spec, {
    scaleTargetRef: { kind: 'Deployment', name: 'millrace-gateway' },
    minReplicas: 3,
    maxReplicas: 12,
    behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
  });
});

t.test('budgets let nodes drain, also with one replica and pods that are not ready', async (t) => {
  for (const name of ['default', 'everything', 'absent']) {
    const more = name === 'absent' ? [] : ['--set', 'gateway.replicas=1'];
    const budgets = (await render(name, ...more)).filter(({ kind }) => kind === 'PodDisruptionBudget');
    t.equal(budgets.length, 2);
    for (const { spec } of budgets) {
      t.notOk('minAvailable' in spec);
      t.notMatch(String(spec.maxUnavailable), /^0/);
      t.equal(spec.unhealthyPodEvictionPolicy, 'AlwaysAllow');
    }
  }
});
