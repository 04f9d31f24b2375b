// What the release workflow runs: its scripts do what it expects of them, and every command that it names is there.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { globSync, existsSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { parse } from 'yaml';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;
const script = join(root, '.build', 'release.js');
const digest = `sha256:${'0'.repeat(64)}`;

async function checkout(t: Test, changes: Record<string, string> = {}): Promise<string> {
  const dir = t.testdir();
  await mkdir(join(dir, 'charts', 'millrace'), { recursive: true });
  for (const file of ['package.json', 'charts/millrace/Chart.yaml', 'charts/millrace/values.yaml'])
    await cp(join(root, file), join(dir, file));
  await writeFile(join(dir, 'CHANGELOG.md'), '# Changelog\n\n## [0.1.0] - 2026-01-01\n');
  for (const [file, text] of Object.entries(changes)) await writeFile(join(dir, file), text);
  return dir;
}

const release = (cwd: string, ...args: string[]): Promise<{ stdout: string }> =>
  run(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, GITHUB_REPOSITORY: 'Some/Millrace', REGISTRY: 'registry.example.com' },
  });

t.test('a release is of one version', async (t) => {
  const dir = await checkout(t);
  t.equal(
    (await release(dir, 'check', 'v0.1.0')).stdout,
    'version=0.1.0\nimage=registry.example.com/some/millrace\ncharts=registry.example.com/some/millrace/charts\n',
  );
  await t.rejects(release(dir, 'check', 'v0.2.0'), /the tag is v0\.2\.0, but package\.json is 0\.1\.0/);
  const silent = await checkout(t, { 'CHANGELOG.md': '# Changelog\n\n## Unreleased\n' });
  await t.rejects(release(silent, 'check', 'v0.1.0'), /CHANGELOG\.md has no part "## \[0\.1\.0\]"/);
});

t.test('the published chart names the published image, and its repository', async (t) => {
  const dir = await checkout(t);
  const source = 'https://git.example.com/some/millrace';
  await release(dir, 'chart', source, 'registry.example.com/millrace', digest);
  const read = async (file: string) => parse(await readFile(join(dir, 'charts/millrace', file), 'utf8'));
  t.match(await read('Chart.yaml'), { home: source, sources: [source] });
  t.match((await read('values.yaml')).image, { repository: 'registry.example.com/millrace', digest });
  await t.rejects(release(dir, 'chart', source, 'a', 'latest'), /latest is no digest/);
  await release(dir, 'package', source);
  const { repository } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
  t.strictSame(repository, { type: 'git', url: `git+${source}.git` });
});

t.test('every command of the workflows is there', async (t) => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const workflows = globSync(join(root, '.github/workflows/*.yaml'));
  t.equal(workflows.length, 2);
  for (const path of workflows) {
    const { jobs } = parse(await readFile(path, 'utf8'));
    const commands = Object.values<any>(jobs) // eslint-disable-line @typescript-eslint/no-explicit-any
      .flatMap(({ steps }) => steps.map((step: { run?: string }) => step.run ?? ''))
      .join('\n');
    for (const [, name = ''] of commands.matchAll(/npm run (\S+)/g)) t.ok(name in scripts, `npm run ${name}`);
    for (const [, file = ''] of commands.matchAll(/(?:node|bash) (\S+)/g))
      t.ok(existsSync(join(root, file)), file);
    for (const [, command = ''] of commands.matchAll(/release\.js (\w+)/g))
      t.match(await readFile(script, 'utf8'), `command === '${command}'`);
    for (const [, folder = ''] of commands.matchAll(/helm (?:lint --strict|package) (\S+)/g))
      t.ok(existsSync(join(root, folder, 'Chart.yaml')), folder);
  }
});
