import t from 'tap';
import { type Exceptions } from '../../../.build/dependencies/exceptions.ts';
import {
  checkLicences,
  checkOrigins,
  checkScripts,
  type Lock,
  type LockedPackage,
} from '../../../.build/dependencies/lock.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const exceptions: Exceptions = {
  licences: { production: ['MIT'], development: ['CC0-1.0'], undeclared: [] },
  withoutIntegrity: [],
  advisories: [],
};

/** A lock file of the project and one package, sound except for the changes. */
function lockWith(change: LockedPackage, path = 'node_modules/leaf'): Lock {
  return {
    '': { version: '0.1.0', license: 'Apache-2.0' },
    [path]: { version: '1.2.3', integrity, license: 'MIT', ...change },
  };
}

t.test('a sound lock file has no problem', async (t) => {
  const lock = lockWith({});
  t.strictSame(checkOrigins(lock, exceptions), []);
  t.strictSame(checkScripts(lock, {}), []);
  t.strictSame(checkLicences(lock, exceptions), []);
});

t.test('a package comes from a registry', async (t) => {
  const elsewhere: readonly [LockedPackage, string][] = [
    [{ resolved: 'git+ssh://git@example.com/leaf.git#1' }, 'git+ssh://git@example.com/leaf.git#1'],
    [{ resolved: 'https://example.com/leaf.tgz' }, 'https://example.com/leaf.tgz'],
    [{ version: 'github:leaf/leaf' }, 'github:leaf/leaf'],
  ];
  for (const [change, where] of elsewhere) {
    const [problem = '', ...others] = checkOrigins(lockWith(change), exceptions);
    t.match(problem, where);
    t.strictSame(others, []);
  }
  t.match(checkOrigins({ '../leaf': {} }, exceptions), [/^\.\.\/leaf@: .*a folder/]);
});

t.test(
  'a package may be a folder of the project, whose own dependencies are checked like all others',
  async (t) => {
    const own = (resolved?: string): Lock => ({
      '.build/leaf': { version: '1.2.3' },
      'node_modules/leaf': resolved === undefined ? { link: true } : { link: true, resolved },
    });
    t.strictSame(checkOrigins(own('.build/leaf'), exceptions), []);
    t.strictSame(checkLicences(own('.build/leaf'), exceptions), []);
    for (const elsewhere of [undefined, '../leaf', '/opt/leaf', 'C:/leaf', 'node_modules/stem'])
      t.match(checkOrigins(own(elsewhere), exceptions), [/^leaf@: not a version from a registry/]);
    t.match(checkOrigins({ '.build/leaf/node_modules/stem': { version: '1.2.3' } }, exceptions), [
      /^stem@1\.2\.3: no SHA-512/,
    ]);
  },
);

t.test('a package has a SHA-512, unless another package bundles it', async (t) => {
  const bare = { version: '1.2.3', license: 'MIT' };
  for (const hash of [
    {},
    { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    { integrity: 'sha512-AAAA==' },
  ]) {
    const lock: Lock = { 'node_modules/leaf': { ...bare, ...hash } };
    t.match(checkOrigins(lock, exceptions), [/^leaf@1\.2\.3: no SHA-512/]);
  }
  t.strictSame(checkOrigins({ 'node_modules/leaf': { ...bare, inBundle: true } }, exceptions), []);
});

t.test('an exception for a missing hash names name and version, and must be needed', async (t) => {
  const leaf = { ...exceptions, withoutIntegrity: [{ packages: ['leaf@1.2.3'], reason: 'a test' }] };
  t.strictSame(checkOrigins(lockWith({ integrity: '' }), leaf), []);
  t.match(checkOrigins(lockWith({}), leaf), [/^leaf@1\.2\.3: an unused exception/]);
  t.match(checkOrigins(lockWith({ integrity: '', version: '1.2.4' }), leaf), [
    /^leaf@1\.2\.4: no SHA-512/,
    /^leaf@1\.2\.3: an unused exception/,
  ]);
});

t.test('package.json names every package with an install script', async (t) => {
  const planted = lockWith({ hasInstallScript: true }, 'node_modules/root/node_modules/@scope/leaf');
  t.match(checkScripts(planted, {}), [/^@scope\/leaf@1\.2\.3: has an install script/]);
  for (const verdict of [true, false]) t.strictSame(checkScripts(planted, { '@scope/leaf': verdict }), []);
  t.match(checkScripts(lockWith({}), { leaf: true }), [/^leaf: is in allowScripts/]);
});

t.test('an alias is checked by the name of its package', async (t) => {
  const alias = lockWith({ name: 'stem', hasInstallScript: true });
  t.match(checkScripts(alias, { leaf: true }), [/^stem@1\.2\.3: /, /^leaf: /]);
});

t.test('a licence must be allowed for the use of the package', async (t) => {
  const planted = lockWith({ license: 'AGPL-3.0-only' });
  t.strictSame(checkLicences(planted, exceptions), [
    'leaf@1.2.3: licence AGPL-3.0-only is not allowed in production',
  ]);
  t.strictSame(checkLicences(lockWith({ license: 'CC0-1.0', dev: true }), exceptions), []);
  t.match(checkLicences(lockWith({ license: 'CC0-1.0' }), exceptions), [/production/]);
  t.match(checkLicences(lockWith({ license: 'GPL-2.0-only', dev: true }), exceptions), [/development/]);
});

t.test('an exception for an undeclared licence names name, version and real licence', async (t) => {
  const undeclared: Lock = { 'node_modules/leaf': { version: '1.2.3', integrity } };
  const saying = (licence: string) => ({
    ...exceptions,
    licences: {
      ...exceptions.licences,
      undeclared: [{ package: 'leaf@1.2.3', licence, reason: 'a test' }],
    },
  });
  t.strictSame(checkLicences(undeclared, exceptions), ['leaf@1.2.3: declares no licence']);
  t.strictSame(checkLicences(undeclared, saying('MIT')), []);
  t.match(checkLicences(undeclared, saying('AGPL-3.0-only')), [/AGPL-3\.0-only is not allowed/]);
  t.match(checkLicences(lockWith({}), saying('MIT')), [/an unused exception/]);
});
