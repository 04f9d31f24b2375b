import { execFile } from 'node:child_process';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const run = promisify(execFile);
const build = new URL('../../.build/', import.meta.url);

/** A project that depends on packages which say, when they are installed, that their script has run; one of them is its Node. */
async function createProject(t: Test, allowScripts: Readonly<Record<string, boolean>>): Promise<string> {
  const names = ['node', 'allowed', 'denied', 'unheard'];
  const scripts = { postinstall: 'touch "$INIT_CWD/ran-$npm_package_name"' };
  const packageOf = (name: string) => ({
    'package.json': JSON.stringify({ name, version: '1.0.0', scripts, bin: { [name]: 'main' } }),
    main: '#!/bin/sh\n',
  });
  const dependencies = Object.fromEntries(names.map((name) => [name, `file:${name}-1.0.0.tgz`]));
  const project = t.testdir({
    '.build': {},
    'package.json': JSON.stringify({
      name: 'project',
      version: '1.0.0',
      type: 'module',
      dependencies,
      allowScripts,
    }),
    packages: Object.fromEntries(names.map((name) => [name, packageOf(name)])),
  });
  for (const file of ['install.js', 'npm.js'])
    await copyFile(new URL(file, build), join(project, '.build', file));
  for (const name of names) await run('npm', ['pack', `./packages/${name}`], { cwd: project });
  await run('npm', ['install', '--package-lock-only', '--offline'], { cwd: project });
  return project;
}

t.test('scripts run at installation for those packages alone that are named', async (t) => {
  const project = await createProject(t, { node: true, allowed: true, denied: false });
  await run(process.execPath, ['.build/install.js'], { cwd: project });
  const installed = await readdir(join(project, 'node_modules'));
  t.strictSame(
    installed.filter((name) => !name.startsWith('.')),
    ['allowed', 'denied', 'node', 'unheard'],
  );
  const left = await readdir(project);
  t.strictSame(
    left.filter((name) => name.startsWith('ran-')),
    ['ran-allowed', 'ran-node'],
  );
});
