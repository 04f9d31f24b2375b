import t from 'tap';
import {
  accessReview,
  attributesOf,
  audienceFor,
  readAccessReview,
  readTokenReview,
  tokenReview,
} from '../../../core/access/access-reviews.ts';

const jwt = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const alice = { username: 'alice', uid: 'u-1', groups: ['geo'], extra: { scopes: ['a'] } };

t.test('a token that says it is for us is reviewed for us, any other for the API server', async (t) => {
  for (const aud of ['millrace', ['other', 'millrace']])
    t.equal(audienceFor(jwt({ aud }), 'millrace'), 'millrace');
  for (const token of [jwt({ aud: ['other'] }), jwt({ aud: 'millraces' }), jwt({}), 'opaque'])
    t.equal(audienceFor(token, 'millrace'), undefined);
  t.match(tokenReview('abc', 'millrace'), {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token: 'abc', audiences: ['millrace'] },
  });
  t.notOk('audiences' in (tokenReview('abc', undefined) as { spec: object }).spec);
});

t.test('a user who is authenticated for the requested audience is known', async (t) => {
  const status = { authenticated: true, user: alice, audiences: ['millrace'] };
  const known = { kind: 'known', identity: alice };
  t.strictSame(readTokenReview({ status }, 'abc', 'millrace'), known);
  t.strictSame(readTokenReview({ status: { ...status, audiences: undefined } }, 'abc', undefined), known);
  const nameOnly = readTokenReview(
    { status: { authenticated: true, user: { username: 'a' } } },
    'abc',
    undefined,
  );
  t.match(nameOnly, { kind: 'known', identity: { username: 'a', uid: undefined } });
  for (const audiences of [['other'], [], undefined])
    t.match(readTokenReview({ status: { ...status, audiences } }, 'abc', 'millrace'), {
      kind: 'refused',
      why: 'the token is not for the audience millrace',
    });
});

t.test(
  'a token that is not authenticated may be known elsewhere, unless it is of a ServiceAccount',
  async (t) => {
    const [account, person] = [jwt({ sub: 'system:serviceaccount:geo:a' }), jwt({ sub: 'alice' })];
    for (const status of [{}, { authenticated: false, user: alice }, { authenticated: true }]) {
      t.equal(readTokenReview({ status }, account, undefined).kind, 'refused');
      t.equal(readTokenReview({ status }, person, undefined).kind, 'unknown');
      t.equal(readTokenReview({ status }, 'opaque', undefined).kind, 'unknown');
    }
    const nameless = { authenticated: true, user: { username: '' } };
    t.equal(readTokenReview({ status: nameless }, 'opaque', undefined).kind, 'unknown');
  },
);

t.test('each right is one set of attributes', async (t) => {
  const group = 'millrace.dev';
  t.strictSame(attributesOf('scrape', 'geo', 'millrace-system'), {
    nonResourceAttributes: { path: '/metrics', verb: 'get' },
  });
  t.strictSame(attributesOf('view', 'geo', 'millrace-system'), {
    resourceAttributes: { verb: 'get', resource: 'triggers', group, namespace: 'geo' },
  });
  t.strictSame(attributesOf('view', undefined, 'millrace-system'), {
    resourceAttributes: { verb: 'get', resource: 'triggers', group },
  });
  t.strictSame(attributesOf('operate', 'geo', 'millrace-system'), {
    resourceAttributes: {
      verb: 'update',
      resource: 'triggers',
      subresource: 'records',
      group,
      namespace: 'geo',
    },
  });
  t.strictSame(attributesOf('activate', 'geo', 'millrace-system'), {
    resourceAttributes: { verb: 'create', resource: 'activations', group, namespace: 'millrace-system' },
  });
});

t.test(
  'an impossible name of a namespace gives no attributes, and never those of all namespaces',
  async (t) => {
    for (const namespace of ['', '*', 'Geo', 'a/b', '-a', 'a-', 'a'.repeat(64), 'a\n'])
      for (const right of ['view', 'operate'] as const)
        t.equal(attributesOf(right, namespace, 'own'), undefined, JSON.stringify(namespace));
    for (const namespace of ['a', 'a-1', 'a'.repeat(63)]) t.ok(attributesOf('view', namespace, 'own'));
  },
);

t.test('a SubjectAccessReview has all that is known of the user', async (t) => {
  const attributes = attributesOf('scrape', undefined, 'own')!;
  const { username: user, ...others } = alice;
  t.strictSame(accessReview(alice, attributes), {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, ...others, ...attributes },
  });
  const nobodyElse = { username: 'a', uid: undefined, groups: undefined, extra: undefined };
  t.strictSame((accessReview(nobodyElse, attributes) as { spec: object }).spec, { user: 'a', ...attributes });
});

t.test('only `allowed: true` allows, and an answer without a status throws', async (t) => {
  t.equal(readAccessReview({ status: { allowed: true } }), true);
  for (const status of [{ allowed: false }, {}, { allowed: 'true' }, { denied: false }])
    t.equal(readAccessReview({ status }), false);
  for (const answer of [undefined, null, {}, { status: null }, { status: 'True' }, 'no']) {
    t.throws(() => readAccessReview(answer), { code: 'MILLRACE_KUBERNETES_FAILED' });
    t.throws(() => readTokenReview(answer, 'abc', undefined), { code: 'MILLRACE_KUBERNETES_FAILED' });
  }
});
