import t from 'tap';
import { isInKubernetes, parseKubernetesConfig } from '../../controller/controller-settings.ts';

t.test('in a cluster or not', async (t) => {
  for (const [text, expected, wrong] of [
    [undefined, false, 0],
    ['', false, 0],
    ['false', false, 0],
    ['true', true, 0],
    ['yes', false, 1],
  ] as const) {
    const mistakes: string[] = [];
    t.equal(isInKubernetes({ MILLRACE_KUBERNETES: text }, mistakes), expected);
    t.equal(mistakes.length, wrong);
  }
});

t.test('defaults', async (t) => {
  const mistakes: string[] = [];
  const config = parseKubernetesConfig({ WATCH_NAMESPACES: ' ' }, mistakes);
  t.strictSame(config, {
    namespaces: undefined,
    functionUris: 'refused',
    tenantAddresses: 'guarded',
    apiServerHost: undefined,
    scalerService: undefined,
    scalerCaPath: undefined,
    clusterAuthentication: undefined,
    podName: `millrace-${process.pid}`,
    podNamespace: undefined,
    podUid: undefined,
    leaseName: 'millrace-scaler',
  });
  t.strictSame(mistakes, []);
});

t.test('without any variable', async (t) => {
  t.strictSame(parseKubernetesConfig({}, []).namespaces, undefined);
});

t.test('everything given', async (t) => {
  const mistakes: string[] = [];
  const config = parseKubernetesConfig(
    {
      WATCH_NAMESPACES: 'geo, shop',
      MILLRACE_FUNCTION_URIS: 'guarded',
      MILLRACE_TENANT_ADDRESSES: 'unguarded',
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      SCALER_SERVICE: 'mill-scaler.mill.svc:6000',
      SCALER_TLS_CA: '/etc/ca.crt',
      SCALER_CLUSTER_AUTHENTICATION: 'mill-scaler.mill',
      POD_NAME: 'mill-scaler-1',
      POD_NAMESPACE: 'mill',
      POD_UID: 'uid',
    },
    mistakes,
  );
  t.strictSame(config, {
    namespaces: ['geo', 'shop'],
    functionUris: 'guarded',
    tenantAddresses: 'unguarded',
    apiServerHost: '10.96.0.1',
    scalerService: 'mill-scaler.mill.svc:6000',
    scalerCaPath: '/etc/ca.crt',
    clusterAuthentication: 'mill-scaler.mill',
    podName: 'mill-scaler-1',
    podNamespace: 'mill',
    podUid: 'uid',
    leaseName: 'mill-scaler',
  });
  t.strictSame(mistakes, []);
});

t.test('mistakes', async (t) => {
  const mistakes: string[] = [];
  const wrong = {
    WATCH_NAMESPACES: 'geo,Shop',
    MILLRACE_FUNCTION_URIS: 'true',
    MILLRACE_TENANT_ADDRESSES: 'refused',
    SCALER_SERVICE: 'http://scaler',
    SCALER_CLUSTER_AUTHENTICATION: 'mill-scaler.mill',
  };
  const config = parseKubernetesConfig(wrong, mistakes);
  t.match(config, { functionUris: 'refused', tenantAddresses: 'guarded' });
  t.match(mistakes, [
    /'Shop'/,
    /MILLRACE_FUNCTION_URIS is 'true': one of refused, guarded, unguarded/,
    /MILLRACE_TENANT_ADDRESSES is 'refused': one of guarded, unguarded/,
    /SCALER_SERVICE is 'http:\/\/scaler'/,
    /SCALER_CLUSTER_AUTHENTICATION needs SCALER_TLS_CA/,
  ]);
});
