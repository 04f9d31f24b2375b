import t from 'tap';
import { type Exceptions } from '../../../.build/dependencies/exceptions.ts';
import {
  judgeLicences,
  judgeOrigins,
  judgeScripts,
  type Lock,
  type LockedPackage,
} from '../../../.build/dependencies/lock.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const exceptions: Exceptions = {
  licences: { production: ['MIT'], development: ['CC0-1.0'], undeclared: [] },
  withoutIntegrity: [],
  advisories: [],
};

/** The project and one package, sound but for what is changed. */
function lockWith(change: LockedPackage, path = 'node_modules/leaf'): Lock {
  return {
    '': { version: '0.1.0', license: 'Apache-2.0' },
    [path]: { version: '1.2.3', integrity, license: 'MIT', ...change },
  };
}

t.test('a sound lock file has no problem', async (t) => {
  const lock = lockWith({});
  t.strictSame(judgeOrigins(lock, exceptions), []);
  t.strictSame(judgeScripts(lock, {}), []);
  t.strictSame(judgeLicences(lock, exceptions), []);
});

t.test('a package comes from a registry', async (t) => {
  const elsewhere: readonly [LockedPackage, string][] = [
    [{ resolved: 'git+ssh://git@example.com/leaf.git#1' }, 'git+ssh://git@example.com/leaf.git#1'],
    [{ resolved: 'https://example.com/leaf.tgz' }, 'https://example.com/leaf.tgz'],
    [{ version: 'github:leaf/leaf' }, 'github:leaf/leaf'],
  ];
  for (const [change, where] of elsewhere) {
    const [problem = '', ...others] = judgeOrigins(lockWith(change), exceptions);
    t.match(problem, where);
    t.strictSame(others, []);
  }
  t.match(judgeOrigins({ '../leaf': {} }, exceptions), [/^\.\.\/leaf@: .*a folder/]);
});

t.test('or is a folder of the project, whose own dependencies are judged like all', async (t) => {
  const own = (resolved?: string): Lock => ({
    '.build/leaf': { version: '1.2.3' },
    'node_modules/leaf': resolved === undefined ? { link: true } : { link: true, resolved },
  });
  t.strictSame(judgeOrigins(own('.build/leaf'), exceptions), []);
  t.strictSame(judgeLicences(own('.build/leaf'), exceptions), []);
  for (const elsewhere of [undefined, '../leaf', '/opt/leaf', 'C:/leaf', 'node_modules/stem'])
    t.match(judgeOrigins(own(elsewhere), exceptions), [/^leaf@: not a version of a registry/]);
  t.match(judgeOrigins({ '.build/leaf/node_modules/stem': { version: '1.2.3' } }, exceptions), [
    /^stem@1\.2\.3: no SHA-512/,
  ]);
});

t.test('a package has a SHA-512, unless it came inside another', async (t) => {
  const bare = { version: '1.2.3', license: 'MIT' };
  for (const hash of [
    {},
    { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    { integrity: 'sha512-AAAA==' },
  ]) {
    const lock: Lock = { 'node_modules/leaf': { ...bare, ...hash } };
    t.match(judgeOrigins(lock, exceptions), [/^leaf@1\.2\.3: no SHA-512/]);
  }
  t.strictSame(judgeOrigins({ 'node_modules/leaf': { ...bare, inBundle: true } }, exceptions), []);
});

t.test('a package without a hash passes by name and version, as long as it has none', async (t) => {
  const leaf = { ...exceptions, withoutIntegrity: [{ packages: ['leaf@1.2.3'], reason: 'a test' }] };
  t.strictSame(judgeOrigins(lockWith({ integrity: '' }), leaf), []);
  t.match(judgeOrigins(lockWith({}), leaf), [/^leaf@1\.2\.3: an exception that nothing needs/]);
  t.match(judgeOrigins(lockWith({ integrity: '', version: '1.2.4' }), leaf), [
    /^leaf@1\.2\.4: no SHA-512/,
    /^leaf@1\.2\.3: an exception/,
  ]);
});

t.test('a script at installation is one that package.json names', async (t) => {
  const planted = lockWith({ hasInstallScript: true }, 'node_modules/root/node_modules/@scope/leaf');
  t.match(judgeScripts(planted, {}), [/^@scope\/leaf@1\.2\.3: has an install script/]);
  for (const verdict of [true, false]) t.strictSame(judgeScripts(planted, { '@scope/leaf': verdict }), []);
  t.match(judgeScripts(lockWith({}), { leaf: true }), [/^leaf: stands in allowScripts/]);
});

t.test('an alias is judged by the name of the package that it brings', async (t) => {
  const alias = lockWith({ name: 'stem', hasInstallScript: true });
  t.match(judgeScripts(alias, { leaf: true }), [/^stem@1\.2\.3: /, /^leaf: /]);
});

t.test('a licence is allowed where the package is used', async (t) => {
  const planted = lockWith({ license: 'AGPL-3.0-only' });
  t.strictSame(judgeLicences(planted, exceptions), [
    'leaf@1.2.3: licence AGPL-3.0-only is not allowed in production',
  ]);
  t.strictSame(judgeLicences(lockWith({ license: 'CC0-1.0', dev: true }), exceptions), []);
  t.match(judgeLicences(lockWith({ license: 'CC0-1.0' }), exceptions), [/production/]);
  t.match(judgeLicences(lockWith({ license: 'GPL-2.0-only', dev: true }), exceptions), [/development/]);
});

t.test(
  'a package that declares no licence passes by name and version, with the licence it really has',
  async (t) => {
    const undeclared: Lock = { 'node_modules/leaf': { version: '1.2.3', integrity } };
    const saying = (licence: string) => ({
      ...exceptions,
      licences: {
        ...exceptions.licences,
        undeclared: [{ package: 'leaf@1.2.3', licence, reason: 'a test' }],
      },
    });
    t.strictSame(judgeLicences(undeclared, exceptions), ['leaf@1.2.3: declares no licence']);
    t.strictSame(judgeLicences(undeclared, saying('MIT')), []);
    t.match(judgeLicences(undeclared, saying('AGPL-3.0-only')), [/AGPL-3\.0-only is not allowed/]);
    t.match(judgeLicences(lockWith({}), saying('MIT')), [/an exception that nothing needs/]);
  },
);
