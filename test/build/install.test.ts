import { execFile } from 'node:child_process';
import { copyFile, readdir, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

const run = promisify(execFile);
const build = new URL('../../.build/', import.meta.url);

interface Project {
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  /** The platform of the package with Node. Default: that of this machine. */
  readonly platform?: NodeJS.Platform;
  readonly engines?: string;
}

/**
 * A project whose packages leave a trace when their install script runs. Two of them are Node, each for one platform: optional dependencies of
 * the folder `.build/node`.
 */
async function createProject(
  t: Test,
  { allowScripts = {}, platform = process.platform, engines = '>=22.19' }: Project,
): Promise<string> {
  const names = ['node-aix', 'node-here', 'allowed', 'denied', 'unlisted'];
  const scripts = { postinstall: 'touch "$INIT_CWD/ran-$npm_package_name"' };
  const packageOf = (name: string) => ({
    'package.json': JSON.stringify({
      name,
      version: '1.0.0',
      scripts,
      ...(name.startsWith('node-') && {
        bin: { node: 'main' },
        os: name === 'node-aix' ? 'aix' : platform,
      }),
    }),
    main: '#!/bin/sh\n',
  });
  const tarballs = (some: readonly string[]) =>
    Object.fromEntries(some.map((name) => [name, `file:${name}-1.0.0.tgz`]));
  const nodes = tarballs(names.slice(0, 2));
  const pinned = { name: 'pinned-node', version: '1.0.0', optionalDependencies: nodes };
  const project = t.testdir({
    '.build': { node: { 'package.json': JSON.stringify(pinned) } },
    'package.json': JSON.stringify({
      name: 'project',
      version: '1.0.0',
      type: 'module',
      engines: { node: engines },
      devDependencies: { ...tarballs(names.slice(2)), 'pinned-node': 'file:.build/node' },
      allowScripts,
    }),
    packages: Object.fromEntries(names.map((name) => [name, packageOf(name)])),
  });
  for (const file of ['install.js', 'npm.js'])
    await copyFile(new URL(file, build), join(project, '.build', file));
  for (const name of names) await run('npm', ['pack', `./packages/${name}`], { cwd: project });
  for (const file of Object.values(nodes).map((url) => url.slice('file:'.length)))
    await rename(join(project, file), join(project, '.build/node', file));
  await run('npm', ['install', '--package-lock-only', '--offline'], { cwd: project });
  return project;
}

const install = (project: string) => run(process.execPath, ['.build/install.js'], { cwd: project });

t.test('only the named packages run install scripts', async (t) => {
  const project = await createProject(t, { allowScripts: { allowed: true, denied: false } });
  await install(project);
  const installed = await readdir(join(project, 'node_modules'));
  t.strictSame(
    installed.filter((name) => !name.startsWith('.')),
    ['allowed', 'denied', 'node-here', 'pinned-node', 'unlisted'],
  );
  const left = await readdir(project);
  t.strictSame(
    left.filter((name) => name.startsWith('ran-')),
    ['ran-allowed'],
  );
});

t.test('npm scripts find the Node of the platform, and nothing is installed twice', async (t) => {
  const project = await createProject(t, {});
  await install(project);
  t.equal(
    await realpath(join(project, 'node_modules/.bin/node')),
    await realpath(join(project, 'node_modules/node-here/main')),
  );
  t.strictSame(await install(project), { stdout: '', stderr: '' });
});

t.test(
  'on a platform without a package, npm scripts use the Node of the machine if it is new enough',
  async (t) => {
    const platform = 'aix';
    const own = await createProject(t, { platform });
    t.match(
      (await install(own)).stderr,
      `no Node for ${process.platform} on ${process.arch}: npm scripts run on`,
    );
    t.strictSame(await install(own), { stdout: '', stderr: '' });
    const [major, minor] = process.versions.node.split('.').map(Number);
    for (const engines of [`>=${major! + 1}.0`, `>=${major}.${minor! + 1}`])
      await t.rejects(install(await createProject(t, { platform, engines })), {
        message: new RegExp(`of this machine does not satisfy ${engines}`),
      });
  },
);
