// Credentials for functions, from Secrets in memory, ServiceAccounts and a real token endpoint.
import t, { type Test } from 'tap';
import type { FunctionAuthentication, FunctionTls } from '../../../core/contract/function-access.ts';
import type { FunctionAccess } from '../../../core/contract/endpoint-source.ts';
import { createFunctionCredentials } from '../../../core/credentials/function-credentials.ts';
import { createAuthority } from '../../fixtures/access/authority.ts';
import { memorySecrets } from '../../fixtures/secrets/memory-secrets.ts';
import { startOidcProvider } from '../../fixtures/access/oidc-provider.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.setTimeout(60_000);

const authority = await createAuthority('/CN=functions');
const [pair, another] = [
  await authority.issue({ subject: '/CN=a' }),
  await authority.issue({ subject: '/CN=b' }),
];

const tls: FunctionTls = {
  ca: { secretName: 'alerts', key: 'ca.crt' },
  certificate: { secretName: 'alerts', key: 'tls.crt' },
  key: { secretName: 'alerts', key: 'tls.key' },
  serverName: 'alerts.geo.svc',
};
const values = { 'ca.crt': authority.certificate, 'tls.crt': pair.certificate, 'tls.key': pair.key };
const account = { type: 'service-account', serviceAccountName: 'caller', audience: 'alerts' } as const;

type Asked = { tls?: FunctionTls; authentication?: FunctionAuthentication };

/** Secrets, and ServiceAccounts whose tokens are `token-1` and so on. */
function start(t: Test, asked: Asked, minReplacementMs = 60_000) {
  const secrets = memorySecrets();
  const world = { refused: [] as (string | undefined)[], failure: undefined as Error | undefined };
  const logged: { message: string; reason: unknown }[] = [];
  let changes = 0;
  const open = createFunctionCredentials({
    secrets: {
      ...secrets,
      serviceAccountToken: async (namespace, { serviceAccountName, audience }, refused) => {
        if (world.failure !== undefined) throw world.failure;
        const count = world.refused.push(refused);
        return planted(`token-${count}-of-${namespace}-${serviceAccountName}-for-${audience}`);
      },
    },
    log: (_level, message, { reason }) => logged.push({ message, reason }),
    delayMs: 5,
    minReplacementMs,
  });
  const subscription = subscriptionOf('alerts');
  const access = open(
    { ...subscription, function: { ...subscription.function, ...asked } },
    () => (changes += 1),
  );
  if (access !== undefined) t.teardown(() => access.close());
  return { access: access as FunctionAccess, secrets, world, logged, changes: () => changes };
}

t.test('a trigger without TLS and authentication has no credentials', async (t) => {
  t.equal(start(t, {}).access, undefined);
});

t.test(
  'certificates are presented when their Secret exists, and as another object when they change',
  async (t) => {
    const { access, secrets, logged, changes } = start(t, { tls });
    t.match(access, {
      missing: 'the credentials for the function have not been read yet',
      tls: undefined,
      authorization: undefined,
    });
    await until(() => logged.length > 0);
    t.match(
      access.missing,
      /^the Secret alerts of namespace geo, which the trigger names as function\.tls\.ca, does not exist/,
    );
    secrets.put('geo', 'alerts', values);
    await until(() => access.missing === undefined);
    t.strictSame(access.tls, {
      serverName: 'alerts.geo.svc',
      ca: authority.certificate,
      certificate: pair.certificate,
      key: pair.key,
    });
    const [before, changesBefore] = [access.tls, changes()];
    secrets.put('geo', 'alerts', { ...values, unrelated: 'x' });
    secrets.put('geo', 'alerts', { ...values, 'tls.crt': another.certificate });
    await until(() => logged.length > 1);
    t.match(logged[1], { message: /cannot be used, trying again/, reason: /is not the key of tls\.crt/ });
    t.equal(access.tls, before, 'a half replaced Secret is not presented');
    t.equal(changes(), changesBefore);
    secrets.put('geo', 'alerts', { ...values, 'tls.crt': another.certificate, 'tls.key': another.key });
    await until(() => access.tls !== before);
    t.equal(access.tls?.certificate, another.certificate);
    t.equal(changes(), changesBefore + 1);
  },
);

t.test(
  'a token of a ServiceAccount is presented; a refused one is replaced, but not the next one soon after',
  async (t) => {
    const { access, world } = start(t, { authentication: account });
    await until(() => access.missing === undefined);
    t.equal(access.authorization, `Bearer ${planted('token-1-of-geo-caller-for-alerts')}`);
    access.refused('Bearer another');
    t.equal(access.missing, undefined, 'that was another');
    access.refused(access.authorization as string);
    t.match(
      access,
      { missing: /refused the token \(401\)/, authorization: undefined },
      'it is not presented any more',
    );
    await until(() => access.missing === undefined);
    t.equal(access.authorization, `Bearer ${planted('token-2-of-geo-caller-for-alerts')}`);
    t.equal(world.refused[1], planted('token-1-of-geo-caller-for-alerts'));
    access.refused(access.authorization as string);
    t.equal(access.missing, undefined, 'another would be refused as well');
  },
);

t.test('if there is no token, the reason is logged once, and it is tried again', async (t) => {
  const { access, world, logged } = start(t, { authentication: account });
  world.failure = new Error('there are no tokens of ServiceAccounts outside Kubernetes');
  await until(() => logged.length > 0);
  t.equal(access.missing, world.failure.message);
  t.strictSame(logged, [
    {
      message: 'nothing is sent to the function: credentials are missing',
      reason: world.failure.message,
    },
  ]);
  world.failure = undefined;
  await until(() => access.missing === undefined);
  t.match(access.authorization, /^Bearer token-1-/);
});

t.test(
  'an OAuth client gets a token of its provider; while the provider fails, a refused one is not replaced',
  async (t) => {
    const provider = await startOidcProvider(t, { audience: 'alerts' });
    provider.register('gateway', planted('right'));
    const authentication = {
      type: 'oauthbearer',
      tokenEndpoint: provider.tokenEndpoint,
      clientId: 'gateway',
      clientSecret: { secretName: 'client', key: 'client-secret' },
      ca: { secretName: 'client', key: 'ca.crt' },
    } as const;
    const { access, secrets, logged } = start(t, { authentication });
    secrets.put('geo', 'client', { 'client-secret': planted('wrong'), 'ca.crt': provider.ca });
    await until(() => logged.some(({ reason }) => String(reason).includes('refuses (401): invalid_client')));
    secrets.put('geo', 'client', { 'client-secret': planted('right'), 'ca.crt': provider.ca });
    await until(() => access.missing === undefined);
    const first = access.authorization as string;
    provider.refuse({ status: 503, body: '' });
    access.refused(first);
    await until(() => (access.missing ?? '').includes('answers 503 instead of a token'));
    t.equal(access.authorization, undefined);
    provider.refuse(undefined);
    await until(() => access.missing === undefined);
    t.not(access.authorization, first);
    for (const secret of [mark, 'eyJ'])
      t.notMatch(JSON.stringify(logged), secret, 'neither a secret nor a token is logged');
  },
);

t.test('after closing, no change is reported', async (t) => {
  const { access, changes, world } = start(t, { tls: {}, authentication: account });
  await until(() => access.missing === undefined);
  t.strictSame(access.tls, {});
  const before = changes();
  access.refused(access.authorization as string);
  await access.close();
  const after = changes();
  await until(() => world.refused.length > 0);
  t.ok(after - before <= 1);
  t.equal(changes(), after);
});
