// The values of the chart: the schema refuses unknown and wrong ones, and the templates report what a schema cannot check.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { chartDir, helm, kubeVersion, required, template, valueFiles, type Loose } from './fixtures/helm.ts';

t.test('helm lint reports nothing for any values', async (t) => {
  for (const [name, path] of valueFiles) {
    const { code, stdout, stderr } = await helm(
      'lint',
      '--strict',
      chartDir,
      '-f',
      path,
      '--kube-version',
      kubeVersion,
    );
    t.equal(code, 0, name);
    t.notMatch(`${stdout}${stderr}`, /\[(WARNING|ERROR)\]/, name);
  }
});

t.test('values.yaml and the schema have the same values', async (t) => {
  const values = parse(await readFile(join(chartDir, 'values.yaml'), 'utf8'));
  const schema = JSON.parse(await readFile(join(chartDir, 'values.schema.json'), 'utf8'));
  const namesOf = (node: Loose, path: string): string[] => {
    const { $ref: reference, properties } = node;
    if (reference !== undefined) return namesOf(schema.definitions[reference.split('/').at(-1)], path);
    return Object.entries(properties ?? {}).flatMap(([key, inner]) => [
      `${path}${key}`,
      ...namesOf(inner, `${path}${key}.`),
    ]);
  };
  const keysOf = (node: Loose, path: string): string[] =>
    Object.entries(node ?? {}).flatMap(([key, inner]) => {
      const isOpen =
        typeof inner !== 'object' || Array.isArray(inner) || /resources|securityContext$/i.test(key);
      return [`${path}${key}`, ...(isOpen ? [] : keysOf(inner, `${path}${key}.`))];
    });
  t.strictSame(
    keysOf(values, '').toSorted(),
    namesOf(schema, '')
      .filter((name) => !/\.(namespaceSelector|podSelector|ipBlock)$/.test(name))
      .toSorted(),
  );
});

t.test('the schema refuses wrong values and names their path', async (t) => {
  const wrong: [set: string, complaint: RegExp][] = [
    ['gateway.replica=3', /at '\/gateway': additional properties 'replica' not allowed/],
    ['gateway.replicas=0', /at '\/gateway\/replicas': minimum: got 0, want 1/],
    ['gateway.drainLimit=25s', /at '\/gateway\/drainLimit': '25s' does not match pattern/],
    ['gateway.maxBytes=256MB', /at '\/gateway\/maxBytes': '256MB' does not match pattern/],
    ['image.digest=sha256:abc', /at '\/image\/digest': 'sha256:abc' does not match pattern/],
    ['kafka.bootstrapServers=kafka', /at '\/kafka\/bootstrapServers': 'kafka' does not match pattern/],
    ['functions.uris=unguarded', /at '\/functions\/uris': value must be one of 'refused', 'guarded'/],
    ['tenantAddresses=refused', /at '\/tenantAddresses': value must be one of 'guarded', 'unguarded'/],
    ['logLevel=verbose', /at '\/logLevel': value must be one of 'trace', 'debug'/],
    ['watchNamespaces={shop,shop}', /at '\/watchNamespaces': items at 0 and 1 are equal/],
    ['commonLabels.app\\.kubernetes\\.io/name=x', /invalid propertyName 'app.kubernetes.io\/name'/],
    ['service.ipFamilies={IPv5}', /at '\/service\/ipFamilies\/0': value must be one of 'IPv4', 'IPv6'/],
    [
      'cleanup.podLabels.app\\.kubernetes\\.io/component=x',
      /invalid propertyName 'app.kubernetes.io\/component'/,
    ],
    ['fullnameOverride=Mill', /at '\/fullnameOverride': 'Mill' does not match pattern/],
  ];
  for (const [set, complaint] of wrong) {
    const { code, stderr } = await template(...required, '--set', set);
    t.not(code, 0, set);
    t.match(stderr, complaint, set);
  }
});

t.test('the chart reports missing and contradictory values, and what to do', async (t) => {
  const missing: [args: string[], complaint: RegExp][] = [
    [
      ['--set', 'kafka.bootstrapServers=kafka:9092'],
      /an image that the cluster can pull\. .*`npm run image`.*set image\.repository=/,
    ],
    [
      ['--set', 'image.repository=x'],
      /needs the address of your Kafka\. Set one of these: kafka\.bootstrapServers=HOST:PORT/,
    ],
    [
      [...required, '--set', 'kafka.existingSecret.name=x'],
      /are both set\. Remove one: only one of them may name the brokers/,
    ],
    [
      [...required, '--set', 'scaler.tls.enabled=false,scaler.tls.existingSecret=x'],
      /a certificate is set \(existingSecret or certManager\)\. Turn TLS on, or remove/,
    ],
    [
      [...required, '--set', 'scaler.tls.existingSecret=x,scaler.tls.certManager.enabled=true'],
      /only one of them may provide the certificate/,
    ],
    [
      [...required, '--set', 'scaler.tls.certManager.enabled=true'],
      /--set scaler\.tls\.certManager\.issuerRef\.name=NAME/,
    ],
    [
      [...required, '--set', 'scaler.tls.clients.enabled=false,scaler.tls.clients.kedaNamespace=keda'],
      /scaler\.tls\.clients\.enabled is false\. Turn both on, or remove/,
    ],
    [
      [...required, '--set', 'scaler.tls.clients.existingSecret=x'],
      /--set scaler\.tls\.clients\.kedaNamespace=NAMESPACE/,
    ],
    [
      [...required, '--set', 'scaler.tls.existingSecret=x,scaler.tls.clients.kedaNamespace=keda'],
      /must be signed by the same CA\. Set both, or neither/,
    ],
    [
      [...required, '--set', 'gateway.podDisruptionBudget.maxUnavailable=0'],
      /no node with such a pod could ever be drained\. Set at least 1/,
    ],
    [
      [...required, '--set', 'scaler.podDisruptionBudget.maxUnavailable=0%'],
      /scaler\.podDisruptionBudget\.maxUnavailable is 0%, so no node/,
    ],
    [
      [...required, '--set', 'gateway.autoscaling.enabled=true,gateway.autoscaling.minReplicas=11'],
      /minReplicas \(11\) is above maxReplicas \(10\)/,
    ],
  ];
  for (const [args, complaint] of missing) {
    const { code, stderr } = await template(...args);
    t.not(code, 0);
    t.match(stderr, complaint);
  }
});

t.test('the chart reports a cluster without KEDA before it installs anything', async (t) => {
  const args = ['template', 'millrace', chartDir, '--kube-version', kubeVersion, ...required];
  const { code, stderr } = await helm(...args);
  t.not(code, 0);
  t.match(stderr, /scales functions through KEDA, and this cluster has no KEDA/);
  t.match(stderr, /Install it first: https:\/\/keda\.sh.*--set keda\.check=false/);
  t.equal((await helm(...args, '--set', 'keda.check=false')).code, 0);
});
