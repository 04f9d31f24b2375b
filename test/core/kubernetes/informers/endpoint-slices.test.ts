import t from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { readyEndpoints, readyPods } from '../../../../core/kubernetes/informers/endpoint-slices.ts';

const slice = (fields: object): Resource => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'a', namespace: 'geo' },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  ...fields,
});
const pod = (address: string, name: string, conditions: object = { ready: true }) => ({
  addresses: [address],
  conditions,
  targetRef: { kind: 'Pod', name, uid: `uid-${name}` },
});
const origins = (slices: readonly Resource[], port = 8080) =>
  readyEndpoints(slices, port).map(({ origin }) => origin);

t.test('pods that are ready and not terminating', async (t) => {
  const endpoints = [
    pod('10.0.0.1', 'a'),
    pod('10.0.0.2', 'b', { ready: false, serving: false }),
    pod('10.0.0.3', 'c', { ready: false, serving: true, terminating: true }),
    pod('10.0.0.4', 'd', { ready: true, terminating: true }),
    pod('10.0.0.5', 'e', { ready: null }),
    { addresses: ['10.0.0.6'] },
    { addresses: [] },
    {},
  ];
  t.strictSame(origins([slice({ endpoints })]), [
    'http://10.0.0.1:8080',
    'http://10.0.0.5:8080',
    'http://10.0.0.6:8080',
  ]);
  t.strictSame(readyPods([slice({ endpoints })]), ['a', 'e']);
  t.strictSame(origins([slice({})]), []);
  t.strictSame(readyPods([slice({ endpoints: [{ targetRef: { kind: 'Pod' } }] })]), []);
});

t.test('a pod is one endpoint, even if it is in several slices', async (t) => {
  const four = slice({ endpoints: [pod('10.0.0.1', 'a')] });
  const six = slice({ addressType: 'IPv6', endpoints: [pod('fd00::1', 'a'), pod('fd00::2', 'b')] });
  const expected = ['http://10.0.0.1:8080', 'http://[fd00::2]:8080'];
  t.strictSame(origins([six, four]), expected);
  t.strictSame(origins([four, six, four]), expected);
  t.strictSame(readyPods([six, four]), ['a', 'b']);
});

t.test('host names are not pods, and are ignored', async (t) => {
  const endpoints = [{ addresses: ['metadata.google.internal'] }];
  t.strictSame(origins([slice({ addressType: 'FQDN', endpoints })]), []);
});

t.test('among several ports, that of the trigger is chosen, or else one for HTTP', async (t) => {
  const endpoints = [pod('10.0.0.1', 'a')];
  const grpc = { name: 'grpc', port: 9000, protocol: 'TCP' };
  const http = { name: 'http-web', port: 8081, protocol: 'TCP' };
  const dns = { name: 'dns', port: 8080, protocol: 'UDP' };
  const table: [ports: unknown, origin: string | undefined][] = [
    [[grpc, http, { port: 8080 }], 'http://10.0.0.1:8080'],
    [[grpc, http, dns], 'http://10.0.0.1:8081'],
    [[grpc, { name: null, port: 7000 }], 'http://10.0.0.1:9000'],
    [[dns], undefined],
    [[{ name: 'all', port: null }], undefined],
    [null, undefined],
  ];
  for (const [ports, origin] of table)
    t.strictSame(origins([slice({ ports, endpoints })]), origin === undefined ? [] : [origin]);
});
