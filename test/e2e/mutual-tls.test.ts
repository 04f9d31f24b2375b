// KEDA authenticates to the scaler with the certificate that the chart makes by default. KEDA scales a function, and another pod in its
// namespace reads nothing.
import t from 'tap';
import {
  createRestricted,
  installMillrace,
  useCluster,
  type TestCluster,
} from '../fixtures/kubernetes/cluster.ts';
import { images } from '../lab/millrace-image.ts';
import { until } from '../scaler/fixtures/until.ts';
import { deployFunction } from './pod-function.ts';

t.test('the scaler accepts KEDA, and no client without a certificate', { timeout: 600_000 }, async (t) => {
  const cluster = await useCluster(t);
  const { namespace: home } = await installMillrace(t, cluster);
  const scaler = `millrace-scaler.${home}`;
  const namespace = await createRestricted(t, cluster, 'functions');
  const deployed = await deployFunction(t, cluster, { namespace });
  const { name, oracle } = deployed;

  await deployed.untilReady();
  const reference = '-o=jsonpath={.spec.triggers[0].authenticationRef}';
  t.strictSame(JSON.parse(await deployed.kubectl(['get', 'scaledobject', name, reference])), {
    kind: 'ClusterTriggerAuthentication',
    name: scaler,
  });
  const beside = ['get', 'triggerauthentications,configmaps,secrets', '-o', 'name'];
  t.equal(
    await deployed.kubectl([...beside, '-l', 'app.kubernetes.io/managed-by=millrace']),
    '',
    'there is no key, or anything else, beside the function',
  );
  await deployed.untilAsleep();
  await oracle.produce(20);
  await until(() => oracle.delivered === 20, 60_000);
  t.pass('KEDA scales the function by the answers of the scaler');

  t.equal(await phaseOf(t, cluster, scaler, ['ca.crt']), 'Failed', 'a pod without a client certificate');
  t.equal(
    await phaseOf(t, cluster, scaler, ['ca.crt', 'tls.crt', 'tls.key']),
    'Succeeded',
    'a pod with the certificate of KEDA',
  );
});

/** The final phase of a pod in KEDA's namespace that calls the scaler with these files of KEDA's Secret. */
async function phaseOf(
  t: { teardown(end: () => Promise<unknown>): unknown },
  { kubectl }: TestCluster,
  scaler: string,
  files: readonly string[],
): Promise<string> {
  const name = `asks-with-${files.length}`;
  const keda = ['-n', 'keda'];
  const shown = files.includes('tls.key')
    ? ['--client-cert=/keda/tls.crt', '--client-key=/keda/tls.key']
    : [];
  const container = {
    name: 'check',
    image: images.millrace.name,
    imagePullPolicy: 'Never',
    args: ['check', `grpcs://${scaler}.svc:6000`, '--timeout=PT5S', '--ca=/keda/ca.crt', ...shown],
    volumeMounts: [{ name: 'keda', mountPath: '/keda' }],
  };
  const items = files.map((key) => ({ key, path: key }));
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      containers: [container],
      volumes: [{ name: 'keda', secret: { secretName: scaler, items } }],
    },
  };
  await kubectl([...keda, 'create', '-f', '-'], JSON.stringify(pod));
  t.teardown(() => kubectl([...keda, 'delete', 'pod', name, '--wait=false']));
  const phase = (): Promise<string> =>
    kubectl([...keda, 'get', 'pod', name, '-o', 'jsonpath={.status.phase}']);
  await until(async () => ['Succeeded', 'Failed'].includes(await phase()), 60_000);
  return phase();
}
