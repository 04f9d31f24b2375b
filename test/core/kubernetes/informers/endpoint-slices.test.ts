import t from 'tap';
import { createAddressCheck } from '../../../../core/network/tenant-address.ts';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import {
  onlyEndpoints,
  readyEndpoints,
  readyPods,
} from '../../../../core/kubernetes/informers/endpoint-slices.ts';

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
  readyEndpoints(slices, port).ready.map(({ origin }) => origin);

t.test('the part that is kept says the same as the whole', async (t) => {
  const metadata = {
    name: 'a',
    namespace: 'geo',
    uid: 'u',
    resourceVersion: '7',
    labels: { 'millrace.dev/trigger': 'quakes', other: 'x'.repeat(1_000) },
    annotations: { more: 'x'.repeat(1_000) },
  };
  const whole = slice({
    metadata,
    endpoints: [{ ...pod('10.0.0.1', 'a'), zone: 'b' }, { addresses: ['10.0.0.2'] }],
  });
  const part = onlyEndpoints(whole);
  t.strictSame(origins([part]), origins([whole]));
  t.strictSame(readyPods([part]), readyPods([whole]));
  t.strictSame(part.metadata.labels, { 'millrace.dev/trigger': 'quakes' });
  t.ok(JSON.stringify(part).length < 500);
  t.strictSame(onlyEndpoints(slice({ metadata: { name: 'a' } })).endpoints, []);
});

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

t.test('host names are not pods, and are refused', async (t) => {
  const endpoints = [{ addresses: ['metadata.google.internal'] }];
  t.strictSame(readyEndpoints([slice({ addressType: 'FQDN', endpoints })], 8080), {
    ready: [],
    refused: [{ address: 'metadata.google.internal', why: 'a host name, and not the address of a pod' }],
  });
});

t.test('addresses where tenants have nothing are refused, each with its reason', async (t) => {
  const check = createAddressCheck(['10.96.0.1', 'fd00::1']);
  const four = ['10.0.0.1', '127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '10.96.0.1'];
  const six = [
    'fd00::2',
    '::1',
    'fe80::1',
    '::ffff:169.254.169.254',
    'ff02::1',
    '::',
    'fd00::1',
    '64:ff9b::7f00:1',
  ];
  const slices = [
    slice({ endpoints: [...four, ...four].map((address) => ({ addresses: [address] })) }),
    slice({ addressType: 'IPv6', endpoints: six.map((address) => ({ addresses: [address] })) }),
  ];
  const { ready, refused } = readyEndpoints(slices, 8080, check);
  t.strictSame(
    ready.map(({ origin }) => origin),
    ['http://10.0.0.1:8080', 'http://[fd00::2]:8080'],
  );
  t.strictSame(
    refused.map(({ address }) => address),
    [...four.slice(1), ...six.slice(1)].toSorted(),
  );
  t.match(refused, [{ address: '0.0.0.0', why: 'an unspecified address' }]);
  t.match(refused.find(({ address }) => address === '10.96.0.1')?.why, 'an address of the API server');
});

t.test('of a pod with two addresses, one may be refused', async (t) => {
  const [four, six] = [pod('127.0.0.1', 'a'), pod('fd00::1', 'a')];
  const slices = [slice({ endpoints: [four] }), slice({ addressType: 'IPv6', endpoints: [six] })];
  t.match(readyEndpoints(slices, 8080, createAddressCheck([])), {
    ready: [{ origin: 'http://[fd00::1]:8080' }],
    refused: [{ address: '127.0.0.1' }],
  });
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
