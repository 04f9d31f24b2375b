import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import {
  createActivationCall,
  type ActivationCallOptions,
} from '../../../gateway/control/activation-call.ts';
import { createAuthority, type Authority } from '../../fixtures/access/authority.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';

interface Replica {
  readonly url: string;
  readonly port: number;
  readonly calls: { path: string; host: string; names: string[] }[];
}

async function replica(
  t: Test,
  host = '127.0.0.1',
  port = 0,
  answer?: (response: ServerResponse) => void,
): Promise<Replica> {
  const calls: Replica['calls'] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await text(request)) as { triggers: { namespace: string; name: string }[] };
    const names = body.triggers.map(({ namespace, name }) => `${namespace}/${name}`);
    calls.push({ path: `${request.method} ${request.url}`, host: request.headers.host ?? '', names });
    if (answer === undefined) response.writeHead(204).end();
    else answer(response);
  };
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://${host}:${bound}`, port: bound, calls };
}

function setUp(t: Test, options: Partial<ActivationCallOptions> & Pick<ActivationCallOptions, 'urls'>) {
  const errors: string[] = [];
  const call = createActivationCall({
    onError: (error, url) => errors.push(`${url}: ${error.message}`),
    ...options,
  });
  t.teardown(() => call.close());
  return { call, errors };
}

t.test('many triggers of one tick are one request to every replica', async (t) => {
  const [one, two] = [await replica(t), await replica(t)];
  const { call, errors } = setUp(t, { urls: [one.url, two.url] });
  for (const name of ['a', 'b', 'a', 'c']) call.wake(subscriptionOf(name));
  await until(() => one.calls.length === 1 && two.calls.length === 1);
  t.strictSame(one.calls[0], {
    path: 'POST /v1/activations',
    host: one.url.slice(7),
    names: ['geo/a', 'geo/b', 'geo/c'],
  });
  t.strictSame(two.calls[0]?.names, ['geo/a', 'geo/b', 'geo/c']);
  t.strictSame(errors, []);
});

t.test('more triggers than the scaler takes in one request', async (t) => {
  const one = await replica(t);
  const { call, errors } = setUp(t, { urls: [one.url] });
  for (let index = 0; index < 1_001; index++) call.wake(subscriptionOf(`t${index}`));
  await until(() => one.calls.length === 2);
  t.strictSame(one.calls.map(({ names }) => names.length).toSorted(), [1, 1000]);
  t.strictSame(errors, []);
});

t.test('a trigger is called at most once per interval, another one meanwhile', async (t) => {
  const one = await replica(t);
  const { call } = setUp(t, { urls: [one.url], minIntervalMs: 300 });
  const counts = new Map<string, number>();
  const first = performance.now();
  await until(() => {
    call.wake(subscriptionOf('a'));
    if (counts.size === 0 && one.calls.length === 1) {
      counts.set('b', 1);
      call.wake(subscriptionOf('b'));
    }
    return one.calls.flatMap(({ names }) => names).filter((name) => name === 'geo/a').length === 3;
  });
  t.ok(performance.now() - first >= 590, 'three calls span two intervals');
  t.equal(one.calls.flatMap(({ names }) => names).filter((name) => name === 'geo/b').length, 1);
});

t.test('a name with several addresses stands for a replica at each', async (t) => {
  const one = await replica(t, '127.0.0.1');
  const two = await replica(t, '127.0.0.2', one.port);
  const resolve = (name: string) => Promise.resolve(name === 'scaler.test' ? ['127.0.0.1', '127.0.0.2'] : []);
  const { call, errors } = setUp(t, { urls: [`http://scaler.test:${one.port}`], resolve });
  call.wake(subscriptionOf('a'));
  await until(() => one.calls.length === 1 && two.calls.length === 1);
  t.equal(two.calls[0]?.host, `scaler.test:${one.port}`, 'under its own name');
  t.strictSame(errors, []);
});

t.test('the system resolves names where nobody else does', async (t) => {
  const one = await replica(t);
  const { call } = setUp(t, { urls: [`http://localhost:${one.port}`] });
  call.wake(subscriptionOf('a'));
  await until(() => one.calls.length === 1);
});

t.test('failures are counted, disturb no other replica, and do not stop the next call', async (t) => {
  const sound = await replica(t);
  const missing = await replica(t, '127.0.0.1', 0, (response) =>
    response.writeHead(404).end('{"triggers":["geo/a"]}'),
  );
  const silent = await replica(t, '127.0.0.1', 0, () => undefined);
  const urls = [missing.url, silent.url, 'http://127.0.0.1:1', 'http://nowhere.invalid', sound.url];
  const { call, errors } = setUp(t, { urls, minIntervalMs: 50, timeoutMs: 200 });
  call.wake(subscriptionOf('a'));
  await until(() => errors.length === 4);
  t.equal(sound.calls.length, 1);
  t.match(errors.toSorted().join('\n'), /404.*geo\/a/);
  for (const url of urls.slice(0, 4))
    t.ok(
      errors.some((error) => error.startsWith(url)),
      url,
    );
  await until(() => {
    call.wake(subscriptionOf('a'));
    return sound.calls.length === 2;
  });
});

t.test('after close nothing is sent', async (t) => {
  const one = await replica(t);
  const { call, errors } = setUp(t, { urls: [one.url] });
  call.wake(subscriptionOf('a'));
  await call.close();
  call.wake(subscriptionOf('b'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  t.strictSame([one.calls, errors], [[], []]);
});

/** A replica with a certificate for `scaler.test`, which is looked up as 127.0.0.1. */
async function securedReplica(t: Test, authority: Authority) {
  const { certificate: cert, key } = await authority.issue({
    subject: '/CN=scaler',
    names: ['DNS:scaler.test'],
  });
  const shown: (string | undefined)[] = [];
  const server = createTlsServer({ cert, key }, (request, response) => {
    shown.push(request.headers.authorization);
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const { port } = server.address() as { port: number };
  return { port, shown };
}

t.test(
  'over TLS, by the authority and the token of the moment, each replica by the name of all',
  async (t) => {
    const [first, second] = [await createAuthority('/CN=first CA'), await createAuthority('/CN=second CA')];
    const { port, shown } = await securedReplica(t, first);
    const now = { ca: first.certificate, token: 'one' };
    const options = {
      minIntervalMs: 0,
      resolve: async () => ['127.0.0.1'],
      ca: async () => now.ca,
      token: async () => now.token,
    };
    const { call, errors } = setUp(t, { urls: [`https://scaler.test:${port}`], ...options });
    call.wake(subscriptionOf('a'));
    await until(() => shown.length === 1);
    now.token = 'two';
    call.wake(subscriptionOf('a'));
    await until(() => shown.length === 2);
    t.strictSame(shown, ['Bearer one', 'Bearer two']);
    t.strictSame(errors, []);

    now.ca = second.certificate;
    call.wake(subscriptionOf('a'));
    await until(() => errors.length === 1);
    t.match(errors[0], /unable to|certificate/, 'an authority that is trusted no longer');
    now.ca = first.certificate;
    call.wake(subscriptionOf('a'));
    await until(() => shown.length === 3);

    const { call: other, errors: refusals } = setUp(t, { urls: [`https://localhost:${port}`], ...options });
    other.wake(subscriptionOf('a'));
    await until(() => refusals.length === 1);
    t.match(refusals[0], /altnames|does not match/i, 'a certificate for another name');
  },
);

t.test('without its token nothing is sent, and the failure is reported', async (t) => {
  const one = await replica(t);
  const token = () => Promise.reject(new Error('the token is not there'));
  const { call, errors } = setUp(t, { urls: [one.url], token });
  call.wake(subscriptionOf('a'));
  await until(() => errors.length === 1);
  t.match(errors[0], 'the token is not there');
  t.strictSame(one.calls, []);
});
