// A function that requires a client certificate and a token, over TLS with a CA of its own. All of these are replaced under load, and no
// record is lost or delivered twice.
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import t, { type Test } from 'tap';
import { Agent, request } from 'undici';
import { createAuthority } from '../fixtures/access/authority.ts';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { startOidcProvider, type OidcProvider } from '../fixtures/access/oidc-provider.ts';
import { accepts, serveFunction, type Behaviour } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { planted } from '../fixtures/secrets/planted.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(200_000);

const secretName = 'quake-alerts';
const names = ['IP:127.0.0.1', 'DNS:quake-alerts.geo.svc'];
const serverName = 'quake-alerts.geo.svc';
const authentication = {
  type: 'oauthbearer',
  clientId: 'gateway',
  clientSecret: { secretName },
  ca: { secretName, key: 'provider.crt' },
};
const tls = { ca: { secretName }, certificate: { secretName }, key: { secretName }, serverName };

type Values = Readonly<Record<string, string>>;

function secret(stringData: Values): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName }, stringData });
}

/** Verifies tokens as a function does: with the keys that the provider publishes. */
async function verifier({ jwksUri, ca, issuer, audience }: OidcProvider) {
  const dispatcher = new Agent({ connect: { ca } });
  const { body } = await request(jwksUri, { dispatcher });
  const keys = createLocalJWKSet((await body.json()) as JSONWebKeySet);
  await dispatcher.close();
  return async (authorization = ''): Promise<Record<string, unknown>> => {
    const { payload } = await jwtVerify(authorization.replace(/^Bearer /, ''), keys, { issuer, audience });
    return payload;
  };
}

async function setUp(t: Test, retry: number) {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), deadLetterTopic });
  const provider = await startOidcProvider(t, { audience: 'quake-alerts' });
  provider.register('gateway', planted('first'));
  const [serving, calling] = [await createAuthority('/CN=functions'), await createAuthority('/CN=callers')];
  const [served, shown] = [
    await serving.issue({ subject: '/CN=quake-alerts', names }),
    await calling.issue({ subject: '/CN=gateway' }),
  ];
  const verify = await verifier(provider);
  /** The function accepts tokens of this generation only. */
  const state = { generation: 1, refusals: 0, ports: new Set<number | undefined>() };
  provider.giveClaims({ generation: 1 });
  const behaviour: Behaviour = async (call) => {
    state.ports.add(call.response.socket?.remotePort);
    const { generation } = await verify(call.headers.authorization).catch(() => ({ generation: 0 }));
    if (generation === state.generation) return accepts(call);
    state.refusals += 1;
    return { status: 401 };
  };
  const fn = await serveFunction(t, oracle, behaviour, {
    tls: { cert: served.certificate, key: served.key, ca: calling.certificate },
  });
  const values = {
    'ca.crt': serving.certificate,
    'tls.crt': shown.certificate,
    'tls.key': shown.key,
    'client-secret': planted('first'),
    'provider.crt': provider.ca,
  };
  const manifest = triggerManifest(oracle, fn.uri, {
    function: { tls, authentication: { ...authentication, tokenEndpoint: provider.tokenEndpoint } },
    delivery: { retry },
  });
  return { bootstrapServers, oracle, provider, fn, state, values, manifest, serving, calling };
}

t.test(
  'no record is lost or repeated when CA, certificate, client secret and token are replaced under load',
  async (t) => {
    const { bootstrapServers, oracle, provider, fn, state, values, manifest, serving, calling } = await setUp(
      t,
      0,
    );
    const gateway = await useGateway(t, { bootstrapServers, manifests: [manifest, secret(values)] });
    oracle.watchCommits();
    const endLoad = oracle.load();
    const flows = async (): Promise<void> => {
      const { delivered } = oracle;
      await until(() => oracle.delivered > delivered + 100);
    };
    await flows();

    const [nextServing, nextCalling] = [
      await createAuthority('/CN=next'),
      await createAuthority('/CN=nextish'),
    ];
    const served = await serving.issue({ subject: '/CN=quake-alerts', names });
    const nextServed = await nextServing.issue({ subject: '/CN=quake-alerts', names });
    const nextShown = await nextCalling.issue({ subject: '/CN=gateway' });
    const both = `${calling.certificate}${nextCalling.certificate}`;
    fn.secure({ cert: served.certificate, key: served.key, ca: both });
    const next = {
      ...values,
      'ca.crt': `${serving.certificate}${nextServing.certificate}`,
      'tls.crt': nextShown.certificate,
      'tls.key': nextShown.key,
      'client-secret': planted('second'),
    };
    const asked = provider.requests.length;
    provider.register('gateway', planted('second'));
    await gateway.edit([manifest, secret(next)]);
    await until(() => provider.requests.slice(asked).some(({ status }) => status === 200), 30_000);
    await flows();
    // From here on both sides present, and accept, only the new certificates.
    fn.secure({ cert: nextServed.certificate, key: nextServed.key, ca: nextCalling.certificate });
    const ports = new Set(state.ports);
    await gateway.edit([manifest, secret({ ...next, 'ca.crt': nextServing.certificate })]);
    await until(() => state.ports.size > ports.size, 30_000);
    await flows();
    await endLoad();
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.equal(state.refusals, 0, 'no request carried a refused token');
    t.strictSame(verdict.duplicates, []);
    t.match(gateway.trigger(), { lack: '', deadLettered: 0 });
  },
);

t.test('records wait, and none is lost, while the token is refused and the provider is down', async (t) => {
  const { bootstrapServers, oracle, provider, state, values, manifest } = await setUp(t, 1);
  const gateway = await useGateway(t, { bootstrapServers, manifests: [manifest, secret(values)] });
  oracle.watchCommits();
  const endLoad = oracle.load();
  await until(() => oracle.delivered > 100);
  provider.refuse({ status: 503, body: '' });
  provider.giveClaims({ generation: 2 });
  state.generation = 2;
  await until(() => gateway.trigger().lack.includes('answers 503, and no token'));
  await until(() => gateway.trigger().inFlight === 0);
  const { refusals } = state;
  t.ok(refusals > 0);
  provider.refuse(undefined);
  const { delivered } = oracle;
  await until(() => oracle.delivered > delivered + 100, 40_000);
  await endLoad();
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(state.refusals, refusals, 'nothing was sent while there was no token');
  t.match(gateway.trigger(), { lack: '', deadLettered: 0 });
});
