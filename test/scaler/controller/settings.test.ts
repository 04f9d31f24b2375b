import t from 'tap';
import { isInKubernetes, parseKubernetesConfig } from '../../../scaler/controller/settings.ts';

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
    scalerService: undefined,
    scalerCaPath: undefined,
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
      SCALER_SERVICE: 'mill-scaler.mill.svc:6000',
      SCALER_TLS_CA: '/etc/ca.crt',
      POD_NAME: 'mill-scaler-1',
      POD_NAMESPACE: 'mill',
      POD_UID: 'uid',
    },
    mistakes,
  );
  t.strictSame(config, {
    namespaces: ['geo', 'shop'],
    scalerService: 'mill-scaler.mill.svc:6000',
    scalerCaPath: '/etc/ca.crt',
    podName: 'mill-scaler-1',
    podNamespace: 'mill',
    podUid: 'uid',
    leaseName: 'mill-scaler',
  });
  t.strictSame(mistakes, []);
});

t.test('mistakes', async (t) => {
  const mistakes: string[] = [];
  parseKubernetesConfig({ WATCH_NAMESPACES: 'geo,Shop', SCALER_SERVICE: 'http://scaler' }, mistakes);
  t.match(mistakes, [/'Shop'/, /SCALER_SERVICE is 'http:\/\/scaler'/]);
});
