import t from 'tap';
import { namespaceAuthenticationOf, readKubernetesConfig } from '../../controller/config.ts';

t.test('defaults', async (t) => {
  const config = readKubernetesConfig({ WATCH_NAMESPACES: ' ' });
  t.strictSame(config, {
    kubeconfig: undefined,
    namespaces: undefined,
    functionUris: 'refused',
    tenantAddresses: 'guarded',
    apiServerHost: undefined,
    apiServerPort: undefined,
    serviceAccountPath: undefined,
    scalerService: undefined,
    scalerCaPath: undefined,
    clusterAuthentication: undefined,
    podName: `millrace-${process.pid}`,
    podNamespace: undefined,
    podUid: undefined,
    leaseName: 'millrace-scaler',
  });
});

t.test('without any variable', async (t) => {
  t.strictSame(readKubernetesConfig({}).namespaces, undefined);
});

t.test('everything given', async (t) => {
  const config = readKubernetesConfig({
    KUBECONFIG: '/a:/b',
    WATCH_NAMESPACES: 'geo, shop',
    MILLRACE_FUNCTION_URIS: 'guarded',
    MILLRACE_TENANT_ADDRESSES: 'unguarded',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    SCALER_SERVICE: 'mill-scaler.mill.svc:6000',
    SCALER_TLS_CA: '/etc/ca.crt',
    SCALER_CLUSTER_AUTHENTICATION: 'mill-scaler.mill',
    POD_NAME: 'mill-scaler-1',
    POD_NAMESPACE: 'mill',
    POD_UID: 'uid',
  });
  t.strictSame(config, {
    kubeconfig: '/a:/b',
    namespaces: ['geo', 'shop'],
    functionUris: 'guarded',
    tenantAddresses: 'unguarded',
    apiServerHost: '10.96.0.1',
    apiServerPort: 6443,
    serviceAccountPath: undefined,
    scalerService: 'mill-scaler.mill.svc:6000',
    scalerCaPath: '/etc/ca.crt',
    clusterAuthentication: 'mill-scaler.mill',
    podName: 'mill-scaler-1',
    podNamespace: 'mill',
    podUid: 'uid',
    leaseName: 'mill-scaler',
  });
});

t.test('mistakes', async (t) => {
  const wrong = {
    WATCH_NAMESPACES: 'geo,Shop',
    MILLRACE_FUNCTION_URIS: 'true',
    MILLRACE_TENANT_ADDRESSES: 'refused',
    SCALER_SERVICE: 'http://scaler',
    SCALER_CLUSTER_AUTHENTICATION: 'mill-scaler.mill',
  };
  t.throws(() => readKubernetesConfig(wrong), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: [
      'WATCH_NAMESPACES is "geo,Shop", expected names of namespaces, separated by commas',
      'MILLRACE_FUNCTION_URIS is "true", expected one of refused, guarded, unguarded',
      'MILLRACE_TENANT_ADDRESSES is "refused", expected one of guarded, unguarded',
      'SCALER_SERVICE is "http://scaler", expected host:port',
      'SCALER_CLUSTER_AUTHENTICATION is "mill-scaler.mill", expected nothing without SCALER_TLS_CA',
    ].join('; '),
  });
});

t.test(
  'the ConfigMap and TriggerAuthentication of a namespace are named after the Service of the scaler',
  async (t) => {
    const config = readKubernetesConfig({ SCALER_SERVICE: 'mill-scaler.mill.svc:6000' });
    t.equal(namespaceAuthenticationOf(config), 'mill-scaler-ca');
  },
);
