// Connections to real TLS servers: which ones succeed, what is reported where one fails, and that no request is sent then.
import { createServer, type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { FunctionTlsCredentials } from '../../../core/contract/function-access.ts';
import { startAttempt, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { Endpoints } from '../../../gateway/delivery/endpoints.ts';
import type { PooledEndpoint } from '../../../gateway/delivery/pooled-endpoint.ts';
import { createAuthority } from '../../fixtures/access/authority.ts';
import { startFunction, type FunctionServer } from '../../fixtures/function-server.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { noFaults } from '../../fixtures/no-faults.ts';

t.setTimeout(60_000);

const [ours, theirs] = [await createAuthority('/CN=functions'), await createAuthority('/CN=others')];
const serverName = 'quake-alerts.geo.svc';
const pair = await ours.issue({ subject: '/CN=quake-alerts', names: [`DNS:${serverName}`] });
const caller = await theirs.issue({ subject: '/CN=gateway' });
const stranger = await ours.issue({ subject: '/CN=stranger' });
const [trusting, mutual] = [
  { cert: pair.certificate, key: pair.key },
  { cert: pair.certificate, key: pair.key, ca: theirs.certificate },
];
const right: FunctionTlsCredentials = {
  ca: ours.certificate,
  certificate: caller.certificate,
  key: caller.key,
  serverName,
};

/** The endpoint of `fn` for a trigger with `tls`; discovery reports its origin with http. */
function open(t: Test, { origin }: Pick<FunctionServer, 'origin'>, tls: FunctionTlsCredentials) {
  const state = { tls, unreachable: [] as string[], looks: 0 };
  const endpoints = new Endpoints({
    boundary: noFaults(),
    concurrency: 2,
    retryAfterMaxMs: 1_000,
    tls: () => {
      state.looks += 1;
      return state.tls;
    },
    onAvailable: () => undefined,
    onReadyCount: () => undefined,
    onUnreachable: (_origin, { reason }) => state.unreachable.push(reason),
    onCircuit: () => undefined,
  });
  t.teardown(() => endpoints.close());
  endpoints.update([{ origin: origin.replace('https:', 'http:') }]);
  return { endpoints, state };
}

/** Sends as the dispatcher does. */
function send(endpoints: Endpoints): Promise<AttemptResult> {
  const gate = endpoints.pick() as PooledEndpoint;
  const request = { path: '/', headers: [], body: null, timeoutMs: 20_000, maxAnswerBytes: 0 };
  return new Promise((resolve) =>
    startAttempt(gate.connections, request, (result) => {
      endpoints.release(gate);
      if (result.kind === 'unreachable') endpoints.refused(gate, result);
      resolve(result);
    }),
  );
}

t.test('whoever shows what is asked for, and trusts what is shown, gets an answer', async (t) => {
  for (const tls of [mutual, { ...mutual, maxVersion: 'TLSv1.2' as const }]) {
    const fn = await startFunction(t, 204, tls);
    const { endpoints } = open(t, fn, right);
    t.match(await send(endpoints), { kind: 'answered', status: 204 });
    t.match(fn.calls, [{ caller: 'gateway' }]);
  }
});

t.test('where TLS fails nothing is sent, and the reason names the field to check', async (t) => {
  for (const [what, server, credentials, reason] of [
    [
      'an authority that is not trusted',
      trusting,
      { serverName, ca: theirs.certificate },
      /signed it \(UNABLE_TO/,
    ],
    ['no private authority', trusting, { serverName }, /set function\.tls\.ca to the authority/],
    [
      'another name',
      trusting,
      { ca: ours.certificate, serverName: 'a.geo.svc' },
      /set function\.tls\.serverName to/,
    ],
    [
      'the name of a pod',
      trusting,
      { ca: ours.certificate },
      /for another name: .* \(ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ['no certificate', mutual, { ca: ours.certificate, serverName }, /requires a client certificate/],
    [
      'no certificate, before TLS 1.3',
      { ...mutual, maxVersion: 'TLSv1.2' },
      { ca: ours.certificate, serverName },
      /function\.tls\.certificate/,
    ],
    [
      'a certificate of nobody whom it knows',
      mutual,
      { ca: ours.certificate, serverName, certificate: stranger.certificate, key: stranger.key },
      /function\.tls\.certificate/,
    ],
  ] as const) {
    const fn = await startFunction(t, 204, server);
    const { endpoints, state } = open(t, fn, credentials);
    const result = await send(endpoints);
    t.match(result, { kind: 'unreachable', code: 'MILLRACE_FUNCTION_TLS_FAILED' }, what);
    t.match(state.unreachable, [reason], what);
    t.match(state.unreachable, [/^MILLRACE_FUNCTION_TLS_FAILED: no TLS connection to the function: /], what);
    t.equal(fn.calls.length, 0, what);
  }
});

t.test('a function without TLS is reported as such', async (t) => {
  const fn = await startFunction(t);
  const { endpoints, state } = open(t, fn, right);
  await send(endpoints);
  t.match(state.unreachable, [/it does not use TLS: remove function\.tls, or/]);
});

t.test('one that hangs up in the handshake, or never speaks', async (t) => {
  const server = createServer((socket) =>
    socket.once('data', () => socket.destroy()).on('error', () => undefined),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const { endpoints, state } = open(t, { origin: `https://127.0.0.1:${port}` }, right);
  await send(endpoints);
  t.match(state.unreachable, [/the handshake failed/]);
});

t.test('it gets no requests until a handshake succeeds, and is reported once', async (t) => {
  const fn = await startFunction(t, 204, mutual);
  const { endpoints, state } = open(t, fn, { ...right, ca: theirs.certificate });
  await send(endpoints);
  t.equal(endpoints.readyCount, 0);
  // A probe by TCP alone would have made it ready again.
  await until(() => state.looks > 8);
  t.equal(endpoints.readyCount, 0);
  t.equal(state.unreachable.length, 1);
  state.tls = right;
  await until(() => endpoints.readyCount === 1);
  endpoints.renew();
  t.match(await send(endpoints), { kind: 'answered', status: 204 });
});

t.test(
  'renewed credentials are shown in new connections, while the old ones end with their requests',
  async (t) => {
    const held = Promise.withResolvers<number>();
    const fn = await startFunction(t, (_call, index) => (index === 0 ? held.promise : 204), mutual);
    const { endpoints, state } = open(t, fn, right);
    const gate = endpoints.pick()!;
    const old = gate.connections;
    endpoints.release(gate);
    const first = send(endpoints);
    await until(() => fn.calls.length === 1);
    const another = await theirs.issue({ subject: '/CN=gateway-2' });
    state.tls = { ...right, certificate: another.certificate, key: another.key };
    endpoints.renew();
    endpoints.renew();
    await send(endpoints);
    await send(endpoints);
    t.strictSame(
      fn.calls.map((call) => call.caller),
      ['gateway', 'gateway-2', 'gateway-2'],
    );
    t.equal(old.size, 1);
    held.resolve(202);
    t.match(await first, { kind: 'answered', status: 202 });
    await until(() => old.size === 0);
  },
);
