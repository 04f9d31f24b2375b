import t from 'tap';
import type { Caller, Right } from '../../../core/contract/callers.ts';
import { MillraceError } from '../../../core/contract/errors.ts';
import { visibleNamespaces } from '../../../core/access/visible-namespaces.ts';

const namespaces = Array.from({ length: 500 }, (_, index) => `team-${index}`);
const isOdd = (namespace: string) => Number(namespace.slice(5)) % 2 === 1;

/** Counts what is checked, and how much of it at once. */
function callerWith(may: (namespace: string | undefined) => Promise<boolean>) {
  const checks = { most: 0, open: 0, all: 0 };
  const caller: Caller = {
    name: 'alice',
    may: async (_right: Right, namespace) => {
      checks.all += 1;
      checks.open += 1;
      checks.most = Math.max(checks.most, checks.open);
      await new Promise((resolve) => setImmediate(resolve));
      checks.open -= 1;
      return may(namespace);
    },
  };
  return { caller, checks };
}

t.test('each namespace is checked once, a few at a time', async (t) => {
  const { caller, checks } = callerWith(async (namespace) => namespace !== undefined && isOdd(namespace));
  const visible = await visibleNamespaces(caller, {
    right: 'view',
    namespaces: [...namespaces, ...namespaces],
  });
  t.strictSame([...visible].toSorted(), namespaces.filter(isOdd).toSorted());
  t.equal(checks.all, 501);
  t.equal(checks.most, 8);
});

t.test('who has the right everywhere is asked about once, and about nothing for an empty list', async (t) => {
  const { caller, checks } = callerWith(async () => true);
  t.equal((await visibleNamespaces(caller, { right: 'view', namespaces })).size, 500);
  t.equal((await visibleNamespaces(caller, { right: 'view', namespaces: [] })).size, 0);
  t.equal(checks.all, 1);
});

t.test('a check that fails, or lasts too long, fails the whole and ends the other checks', async (t) => {
  const failure = new MillraceError('MILLRACE_ACCESS_UNKNOWN', 'away');
  const failing = callerWith((namespace) =>
    namespace === 'team-20' ? Promise.reject(failure) : Promise.resolve(false),
  );
  await t.rejects(visibleNamespaces(failing.caller, { right: 'view', namespaces }), failure);
  t.ok(failing.checks.all < 60);

  const hanging = callerWith((namespace) =>
    namespace === undefined ? Promise.resolve(false) : new Promise(() => undefined),
  );
  const late = visibleNamespaces(hanging.caller, { right: 'view', namespaces, limitMs: 5 });
  await t.rejects(late, { code: 'MILLRACE_ACCESS_UNKNOWN', message: /500 namespaces/ });
  t.equal(hanging.checks.all, 9);
});
