import t from 'tap';
import { callerOf } from '../../../core/access/oidc-caller.ts';
import type { Right } from '../../../core/contract/callers.ts';

const issuer = 'https://sso.example.com';
const roles = { rolesClaim: 'groups', viewers: ['readers', 'staff'], operators: ['sre'] };
const all: readonly Right[] = ['scrape', 'view', 'operate', 'activate'];

async function rightsOf(claims: object, rolesClaim = 'groups'): Promise<Right[]> {
  const caller = callerOf(issuer, { sub: 'a', ...claims }, { ...roles, rolesClaim });
  const allowed = await Promise.all(all.map((right) => caller.may(right, 'geo')));
  return all.filter((_, index) => allowed[index]);
}

t.test('roles of viewers and operators give their rights, and no role gives `activate`', async (t) => {
  t.strictSame(await rightsOf({ groups: ['x', 'staff'] }), ['scrape', 'view']);
  t.strictSame(await rightsOf({ groups: 'readers' }), ['scrape', 'view']);
  t.strictSame(await rightsOf({ groups: ['staff', 'sre'] }), ['scrape', 'view', 'operate']);
  t.strictSame(await rightsOf({ groups: 'sre' }), ['scrape', 'view', 'operate']);
});

t.test('anything else is no role', async (t) => {
  for (const groups of [undefined, null, [], {}, { sre: true }, ['SRE'], [['sre']], 'sre,staff', true, 1])
    t.strictSame(await rightsOf({ groups }), [], JSON.stringify(groups));
  t.strictSame(await rightsOf({}), []);
});

t.test('roles may be in a nested claim, or in a claim whose name has dots', async (t) => {
  const deep = { realm_access: { roles: ['sre'] } };
  t.strictSame(await rightsOf(deep, 'realm_access.roles'), ['scrape', 'view', 'operate']);
  t.strictSame(await rightsOf({ 'https://a.b/roles': ['staff'] }, 'https://a.b/roles'), ['scrape', 'view']);
  const paths = [
    'realm_access.none',
    'realm_access.roles.length',
    'none.roles',
    'constructor.name',
    '__proto__',
  ];
  for (const path of paths) t.strictSame(await rightsOf(deep, path), [], path);
  t.strictSame(await rightsOf({ realm_access: null }, 'realm_access.roles'), []);
});

t.test(
  'a name begins with the subject, before what users may choose, and has only visible characters',
  async (t) => {
    const nameOf = (claims: object) => callerOf(issuer, { sub: '4711', ...claims }, roles).name;
    t.equal(nameOf({}), 'https://sso.example.com#4711');
    t.equal(nameOf({ email: 'a@b.c' }), 'https://sso.example.com#4711 (a@b.c)');
    t.equal(nameOf({ preferred_username: 'alice', email: 'a@b.c' }), 'https://sso.example.com#4711 (alice)');
    t.equal(nameOf({ preferred_username: '', email: 7 }), 'https://sso.example.com#4711');
    t.equal(nameOf({ preferred_username: 'a\nadmin' }), 'https://sso.example.com#4711 (a�admin)');
    t.equal(nameOf({ preferred_username: 'a'.repeat(9_999) }).length, 512);
  },
);
