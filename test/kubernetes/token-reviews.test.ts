// Authentication and authorization of callers by a real API server: tokens of ServiceAccounts, and rights by RBAC.
import { generateKeyPairSync, sign } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Recognizer, Right } from '../../core/contract/callers.ts';
import { openConnection, type Connection } from '../../core/kubernetes/api-connection.ts';
import { createTokenReviews, type ReviewTimes } from '../../core/access/token-reviews.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { callerIn, testRecognizer } from '../fixtures/access/recognizer-conformance.ts';
import { until } from '../scaler/fixtures/until.ts';
import { kubeconfigOf } from './fixtures/installation.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
const { kubectl } = server;
const own = await createNamespace(t, server);
const [geo, shop] = [await createNamespace(t, server), await createNamespace(t, server)];
/** This account may create reviews. The other one may not. */
for (const name of ['millrace-gateway', 'millrace-scaler']) await account(own, name);
await grant(undefined, `${own}-reviews`, 'system:auth-delegator', `--serviceaccount=${own}:millrace-gateway`);
const connection = await connectAs('gateway');

/** Nothing is cached. */
const always: ReviewTimes = { freshMs: 0, maxAgeMs: 0, refusedMs: 0, failureMs: 0 };
const rights: readonly Right[] = ['scrape', 'view', 'operate', 'activate'];

async function connectAs(component: 'gateway' | 'scaler'): Promise<Connection> {
  const opened = await openConnection({
    kubeconfig: await kubeconfigOf(server, own, `millrace-${component}`, t.testdir()),
  });
  t.teardown(() => opened.close());
  return opened;
}

async function account(namespace: string, name: string): Promise<void> {
  await kubectl(['create', 'serviceaccount', name, '-n', namespace]);
}

async function tokenOf(namespace: string, name: string, ...more: string[]): Promise<string> {
  return (await kubectl(['create', 'token', name, '-n', namespace, ...more])).trim();
}

type Rule = Readonly<Record<string, readonly string[]>>;

/** A rule for Millrace's resources. RBAC needs no definitions of them. */
function to(verb: string, resource: string): Rule {
  return { apiGroups: ['millrace.dev'], resources: [resource], verbs: [verb] };
}

/** Grants rights in a namespace; undefined: in the whole cluster. Names are unique, because they belong to the namespaces of this test. */
async function grant(namespace: string | undefined, name: string, rule: Rule | string, subject: string) {
  const scope = namespace === undefined ? [] : ['-n', namespace];
  const prefix = namespace === undefined ? 'cluster' : '';
  if (typeof rule !== 'string') {
    const kind = namespace === undefined ? 'ClusterRole' : 'Role';
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, rules: [rule] };
    await kubectl(['apply', ...scope, '-f', '-'], JSON.stringify(role));
    if (namespace === undefined) t.teardown(() => kubectl(['delete', 'clusterrole', name]));
  }
  const ref = typeof rule === 'string' ? rule : name;
  await kubectl(['create', `${prefix}rolebinding`, name, ...scope, `--${prefix}role=${ref}`, subject]);
  if (namespace === undefined) t.teardown(() => kubectl(['delete', 'clusterrolebinding', name]));
}

function recognizer(t: Test, times: Partial<ReviewTimes> = always, through = connection): Recognizer {
  const made = createTokenReviews({ connection: through, ownNamespace: own, times });
  t.teardown(() => made.close());
  return made;
}

/** The rights of the bearer of a token in a namespace. */
async function rightsOf(t: Test, token: string, namespace: string | undefined): Promise<Right[]> {
  const caller = callerIn(await recognizer(t).recognize(token));
  const allowed = await Promise.all(rights.map((right) => caller.may(right, namespace)));
  return rights.filter((_, index) => allowed[index]);
}

/** A token like those of the API server, signed with another key. */
function forgedToken(subject: string): string {
  const now = Math.floor(Date.now() / 1000);
  const iss = 'https://kubernetes.default.svc.cluster.local';
  const claims = { iss, sub: subject, aud: [iss], iat: now, exp: now + 600 };
  const signed = [{ alg: 'RS256', kid: 'forged' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

await account(geo, 'prometheus');
await account(geo, 'former');
const forVault = await tokenOf(geo, 'prometheus', '--audience=vault');
const revoked = await tokenOf(geo, 'former', '--audience=millrace');
await kubectl(['delete', 'serviceaccount', 'former', '-n', geo]);
const powerless = await connectAs('scaler');
const away = { ...connection, url: 'https://127.0.0.1:1' };

for (const audience of ['millrace', undefined])
  t.test(`a token for ${audience ?? 'the API server'}`, async (t) => {
    testRecognizer(t, async (t) => {
      const token = await tokenOf(
        geo,
        'prometheus',
        ...(audience === undefined ? [] : [`--audience=${audience}`]),
      );
      return {
        recognizer: recognizer(t, {}),
        token,
        name: `system:serviceaccount:${geo}:prometheus`,
        rejected: {
          'for another audience': forVault,
          'of a ServiceAccount that is gone': revoked,
          'signed by another': forgedToken(`system:serviceaccount:${geo}:prometheus`),
        },
        failing: {
          'may not be asked': { recognizer: recognizer(t, {}, powerless), token },
          'cannot be reached': { recognizer: recognizer(t, {}, away), token },
        },
      };
    });
  });

t.test('an invalid token of a ServiceAccount is refused, and any other token is unknown', async (t) => {
  const recognize = (token: string) => recognizer(t).recognize(token);
  for (const token of [forVault, revoked, forgedToken(`system:serviceaccount:${geo}:prometheus`)])
    t.match(await recognize(token), { kind: 'refused', why: /does not accept the token/ });
  for (const token of [forgedToken('alice'), 'opaque']) t.equal((await recognize(token)).kind, 'unknown');
});

t.test(
  'a token for several audiences is accepted, and so is one of a Secret, which does not expire',
  async (t) => {
    const both = await tokenOf(geo, 'prometheus', '--audience=vault', '--audience=millrace');
    t.equal((await recognizer(t).recognize(both)).kind, 'caller');
    const annotations = { 'kubernetes.io/service-account.name': 'prometheus' };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: 'old', annotations },
    };
    await kubectl(['apply', '-n', geo, '-f', '-'], JSON.stringify(secret));
    const path = ['get', 'secret', 'old', '-n', geo, '-o', 'jsonpath={.data.token}'];
    const data = await until(() => kubectl(path));
    const old = Buffer.from(data, 'base64').toString();
    t.equal((await recognizer(t).recognize(old)).kind, 'caller');
  },
);

t.test('a caller has exactly the rights that RBAC grants', async (t) => {
  const names = ['nobody', 'scraper', 'viewer', 'operator', 'gateway', 'editor', 'everywhere'];
  for (const name of names) await account(shop, name);
  const subject = (name: string) => `--serviceaccount=${shop}:${name}`;
  const metrics = { nonResourceURLs: ['/metrics'], verbs: ['get'] };
  await grant(undefined, `${own}-metrics`, metrics, subject('scraper'));
  await grant(undefined, `${own}-view`, to('get', 'triggers'), subject('everywhere'));
  await grant(geo, 'viewer', to('get', 'triggers'), subject('viewer'));
  await grant(geo, 'operator', to('update', 'triggers/records'), subject('operator'));
  await grant(geo, 'editor', to('update', 'triggers'), subject('editor'));
  await grant(own, 'gateway', to('create', 'activations'), subject('gateway'));
  await grant(geo, 'gateway', to('create', 'activations'), subject('nobody'));
  const wanted: Record<string, { in: Right[]; everywhere: Right[] }> = {
    nobody: { in: [], everywhere: [] },
    scraper: { in: ['scrape'], everywhere: ['scrape'] },
    viewer: { in: ['view'], everywhere: [] },
    operator: { in: ['operate'], everywhere: [] },
    editor: { in: [], everywhere: [] },
    gateway: { in: ['activate'], everywhere: ['activate'] },
    everywhere: { in: ['view'], everywhere: ['view'] },
  };
  for (const [name, { in: inGeo, everywhere }] of Object.entries(wanted)) {
    const token = await tokenOf(shop, name, '--audience=millrace');
    await until(async () => String(await rightsOf(t, token, geo)) === String(inGeo), 10_000);
    t.strictSame(await rightsOf(t, token, geo), inGeo, name);
    t.strictSame(await rightsOf(t, token, undefined), everywhere, `${name}, everywhere`);
  }
});

t.test('a right may come through a group, and ends soon after it is revoked', async (t) => {
  await account(shop, 'member');
  await grant(shop, 'members', to('get', 'triggers'), `--group=system:serviceaccounts:${shop}`);
  const cached = recognizer(t, { freshMs: 100, maxAgeMs: 500, refusedMs: 100 });
  const caller = callerIn(await cached.recognize(await tokenOf(shop, 'member')));
  await until(() => caller.may('view', shop));
  await kubectl(['delete', 'rolebinding', 'members', '-n', shop]);
  await until(async () => !(await caller.may('view', shop)));
});

t.test('a token is refused soon after its ServiceAccount is deleted', async (t) => {
  await account(shop, 'leaver');
  const cached = recognizer(t, { freshMs: 100, maxAgeMs: 500, refusedMs: 100 });
  const token = await tokenOf(shop, 'leaver', '--audience=millrace');
  t.equal((await cached.recognize(token)).kind, 'caller');
  await kubectl(['delete', 'serviceaccount', 'leaver', '-n', shop]);
  // The API server itself caches authentications for 10 s.
  await until(async () => (await cached.recognize(token)).kind === 'refused', 30_000);
});
