import { execFile } from 'node:child_process';
import { copyFile, readdir, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const run = promisify(execFile);
const build = new URL('../../.build/', import.meta.url);

interface Project {
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  /** Of the package that is Node; the machine's own when absent. */
  readonly platform?: NodeJS.Platform;
  readonly engines?: string;
}

/**
 * A project whose packages say, when they are installed, that their script has run. One of them is Node for one platform: an optional
 * dependency of the folder `.build/node`.
 */
async function createProject(
  t: Test,
  { allowScripts = {}, platform = process.platform, engines = '>=22.19' }: Project,
): Promise<string> {
  const names = ['node-here', 'allowed', 'denied', 'unheard'];
  const scripts = { postinstall: 'touch "$INIT_CWD/ran-$npm_package_name"' };
  const packageOf = (name: string) => ({
    'package.json': JSON.stringify({
      name,
      version: '1.0.0',
      scripts,
      ...(name === 'node-here' && { bin: { node: 'main' }, os: platform }),
    }),
    main: '#!/bin/sh\n',
  });
  const [node, ...others] = names.map((name) => [name, `file:${name}-1.0.0.tgz`] as const);
  const pinned = { name: 'pinned-node', version: '1.0.0', optionalDependencies: Object.fromEntries([node!]) };
  const project = t.testdir({
    '.build': { node: { 'package.json': JSON.stringify(pinned) } },
    'package.json': JSON.stringify({
      name: 'project',
      version: '1.0.0',
      type: 'module',
      engines: { node: engines },
      devDependencies: { ...Object.fromEntries(others), 'pinned-node': 'file:.build/node' },
      allowScripts,
    }),
    packages: Object.fromEntries(names.map((name) => [name, packageOf(name)])),
  });
  for (const file of ['install.js', 'npm.js'])
    await copyFile(new URL(file, build), join(project, '.build', file));
  for (const name of names) await run('npm', ['pack', `./packages/${name}`], { cwd: project });
  await rename(join(project, 'node-here-1.0.0.tgz'), join(project, '.build/node/node-here-1.0.0.tgz'));
  await run('npm', ['install', '--package-lock-only', '--offline'], { cwd: project });
  return project;
}

const install = (project: string) => run(process.execPath, ['.build/install.js'], { cwd: project });

t.test('scripts run at installation for those packages alone that are named', async (t) => {
  const project = await createProject(t, { allowScripts: { allowed: true, denied: false } });
  await install(project);
  const installed = await readdir(join(project, 'node_modules'));
  t.strictSame(
    installed.filter((name) => !name.startsWith('.')),
    ['allowed', 'denied', 'node-here', 'pinned-node', 'unheard'],
  );
  const left = await readdir(project);
  t.strictSame(
    left.filter((name) => name.startsWith('ran-')),
    ['ran-allowed'],
  );
});

t.test('npm scripts find the Node of the platform, and what is installed is not installed again', async (t) => {
  const project = await createProject(t, {});
  await install(project);
  t.equal(
    await realpath(join(project, 'node_modules/.bin/node')),
    await realpath(join(project, 'node_modules/node-here/main')),
  );
  t.strictSame(await install(project), { stdout: '', stderr: '' });
});

t.test('on a platform without one, a Node of the machine does that is new enough', async (t) => {
  const platform = 'aix';
  const own = await createProject(t, { platform });
  t.match((await install(own)).stderr, `no Node for ${process.platform} on ${process.arch}: npm scripts run on`);
  t.strictSame(await install(own), { stdout: '', stderr: '' });
  const [major, minor] = process.versions.node.split('.').map(Number);
  for (const engines of [`>=${major! + 1}.0`, `>=${major}.${minor! + 1}`])
    await t.rejects(install(await createProject(t, { platform, engines })), {
      stderr: new RegExp(`of this machine is none of ${engines}`),
    });
});
