import type { LookupAddress } from 'node:dns';
import t, { type Test } from 'tap';
import { startAttempt, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { Connections } from '../../../gateway/http/connections.ts';
import { createConnectGuard, type ConnectGuardOptions } from '../../../core/network/connect-guard.ts';
import { untilAccepting } from '../../../gateway/delivery/probe-endpoint.ts';
import { startFunction } from '../../fixtures/function-server.ts';
import { countConnections } from '../../fixtures/tenant-guard.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(30_000);

/** Name → its addresses. */
type Names = Record<string, readonly string[] | Error>;

function guardOf(names: Names, options: Partial<ConnectGuardOptions> = {}) {
  const lookups: string[] = [];
  const resolve = async (name: string): Promise<LookupAddress[]> => {
    lookups.push(name);
    const found = names[name] ?? Object.assign(new Error(name), { code: 'ENOTFOUND' });
    if (found instanceof Error) throw found;
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { lookups, guard: createConnectGuard({ resolve, apiServerHosts: [], ...options }) };
}

/** The functions of this test listen on 127.0.0.1, so only that loopback address is allowed. */
const createCheck: ConnectGuardOptions['createCheck'] = (apiServer) => (address) =>
  apiServer.includes(address) ? 'the API server' : address === '127.0.0.1' ? undefined : 'not open';

function send(t: Test, origin: string, guard: ReturnType<typeof guardOf>['guard']): Promise<AttemptResult> {
  const connections = new Connections(origin, { guard });
  t.teardown(() => connections.destroy());
  const request = { path: '/', headers: [], body: null, timeoutMs: 20_000, maxAnswerBytes: 0 };
  return new Promise((resolve) => startAttempt(connections, request, resolve));
}

t.test('there is no connection to a refused address, however it is written or resolved', async (t) => {
  const { port, connections } = await countConnections(t);
  const names = {
    'four.test': ['127.0.0.1'],
    'six.test': ['::1'],
    'mapped.test': ['::ffff:127.0.0.1'],
    'any.test': ['0.0.0.0'],
    'one-of-two.test': ['10.1.2.3', '127.0.0.1'],
    'cloud.test': ['169.254.169.254'],
  };
  const hosts = [
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
  ];
  for (const scheme of ['http', 'https']) {
    for (const host of [...hosts, ...Object.keys(names)]) {
      const { guard } = guardOf(names);
      const origin = `${scheme}://${host}:${port}`;
      const result = await send(t, origin, guard);
      t.match(result, { kind: 'unreachable', code: 'MILLRACE_ADDRESS_REFUSED' }, origin);
    }
  }
  t.equal(connections(), 0);
});

t.test('a probe does not connect to a refused address either', async (t) => {
  const { port, connections } = await countConnections(t);
  const { guard, lookups } = guardOf(
    { 'four.test': ['127.0.0.1'], 'api.test': ['10.0.0.1'] },
    { apiServerHosts: ['api.test'] },
  );
  const fail = () => void t.fail('it was connected to');
  for (const host of ['127.0.0.1', '[::1]', 'four.test', 'gone.test'])
    t.teardown(untilAccepting(`http://${host}:${port}`, fail, () => ({ guard })));
  await until(() => lookups.length > 20);
  t.equal(connections(), 0);
});

t.test('a refusal has the name, the address and the reason', async (t) => {
  const { guard } = guardOf({ 'cloud.test': ['169.254.169.254'] });
  t.match(await send(t, 'http://cloud.test', guard), {
    reason:
      'MILLRACE_ADDRESS_REFUSED: cloud.test resolves to 169.254.169.254, which is a link-local address, where clouds serve metadata',
  });
  t.match(await send(t, 'http://127.0.0.1', guard), {
    reason: 'MILLRACE_ADDRESS_REFUSED: 127.0.0.1 is a loopback address',
  });
});

t.test('an unknown name is reported as unknown', async (t) => {
  const { guard } = guardOf({});
  t.match(await send(t, 'http://gone.test', guard), { kind: 'unreachable', code: 'ENOTFOUND' });
});

t.test('an allowed address is connected to, by name and by address', async (t) => {
  const fn = await startFunction(t);
  const { port } = new URL(fn.origin);
  const { guard } = guardOf({ 'function.test': ['127.0.0.1'] }, { createCheck });
  t.match(await send(t, fn.origin, guard), { kind: 'answered', status: 204 });
  t.match(await send(t, `http://function.test:${port}`, guard), { kind: 'answered', status: 204 });
  t.equal(fn.calls[1]?.headers.host, `function.test:${port}`);
  await new Promise<void>((resolve) =>
    untilAccepting(`http://function.test:${port}`, resolve, () => ({ guard })),
  );
});

t.test('a name is resolved and checked for each connection', async (t) => {
  const fn = await startFunction(t, { status: 204, headers: { connection: 'close' } });
  const { port } = new URL(fn.origin);
  const names: Names = { 'rebound.test': ['127.0.0.1'] };
  const { guard } = guardOf(names, { createCheck });
  const origin = `http://rebound.test:${port}`;
  t.match(await send(t, origin, guard), { kind: 'answered' });
  names['rebound.test'] = ['127.0.0.2'];
  t.match(await send(t, origin, guard), { kind: 'unreachable', reason: /127\.0\.0\.2, which is not open/ });
  t.equal(fn.calls.length, 1);
});

t.test('a redirect is not followed', async (t) => {
  const { port, connections } = await countConnections(t);
  const location = `http://127.0.0.1:${port}/`;
  const fn = await startFunction(t, { status: 307, headers: { location } });
  const { guard } = guardOf({}, { createCheck });
  t.match(await send(t, fn.origin, guard), { kind: 'answered', status: 307 });
  t.equal(connections(), 0);
});

t.test(
  'the API server is resolved for each connection; if that fails, its last addresses count',
  async (t) => {
    const noAnswer = Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' });
    const names: Names = { 'api.test': noAnswer, 'function.test': ['10.96.0.1'] };
    const { guard } = guardOf(names, { apiServerHosts: ['api.test', '127.0.0.1'] });
    const reasonOf = async (origin: string) => {
      const result = await send(t, origin, guard);
      return result.kind === 'unreachable' ? result.reason : result.kind;
    };
    t.equal(await reasonOf('http://function.test:1'), 'EAI_AGAIN: no answer', 'not known yet');
    names['api.test'] = ['10.96.0.1'];
    t.match(await reasonOf('http://function.test:1'), /10\.96\.0\.1, which is an address of the API server/);
    names['api.test'] = noAnswer;
    t.match(await reasonOf('http://10.96.0.1:1'), /10\.96\.0\.1 is an address of the API server/);
  },
);

t.test('lookup answers node:net with one address, or with all', async (t) => {
  const { guard } = guardOf({ 'function.test': ['10.1.2.3', 'fd12::1'], 'nothing.test': [] });
  const lookup = (name: string, all: boolean) =>
    new Promise((resolve) => guard.lookup(name, { all }, (...answer) => resolve(answer)));
  t.strictSame(await lookup('function.test', false), [null, '10.1.2.3', 4]);
  t.strictSame(await lookup('function.test', true), [
    null,
    [
      { address: '10.1.2.3', family: 4 },
      { address: 'fd12::1', family: 6 },
    ],
  ]);
  t.match(await lookup('nothing.test', true), [{ code: 'MILLRACE_ADDRESS_REFUSED' }]);
});
