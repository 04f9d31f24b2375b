import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Problem } from '../../../../core/contract/manifest-problem.ts';
import { createFileTriggers, readManifests } from '../../../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../../../core/expressions/compile-expression.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { minimalTrigger } from '../minimal-trigger.ts';

t.setTimeout(60_000);

/** A manifest, as YAML: JSON is YAML. */
function manifest(name: string, topic = 'orders'): string {
  const trigger = minimalTrigger();
  trigger.metadata.name = name;
  trigger.spec.source.topics = [topic];
  return JSON.stringify(trigger);
}

/** Watches `path`; `last` is what was told last, as `name: topic`. */
async function watch(t: Test, path: string) {
  const told: string[][] = [];
  const problems: (readonly Problem[])[] = [];
  const stop = await createFileTriggers({
    path,
    checkExpression,
    onProblems: (found) => problems.push(found),
  }).watch((wanted) => {
    told.push(wanted.map(({ name, source }) => `${name}: ${source.topics.join()}`));
  });
  t.teardown(stop);
  return { told, problems, stop, last: () => told.at(-1)?.join('; ') };
}

t.test('all YAML files below a folder, but for hidden folders and node_modules', async (t) => {
  const folder = t.testdir({
    'b.yml': 'b',
    'a.yaml': 'a',
    'c.json': 'c',
    deep: { 'd.yaml': 'd' },
    '.git': { 'a.yaml': 'x' },
    node_modules: { 'a.yaml': 'x' },
  });
  t.strictSame(await readManifests(folder), [
    { file: join(folder, 'a.yaml'), text: 'a' },
    { file: join(folder, 'b.yml'), text: 'b' },
    { file: join(folder, 'deep', 'd.yaml'), text: 'd' },
  ]);
  const file = join(folder, 'c.json');
  t.strictSame(
    await readManifests(file),
    [{ file, text: 'c' }],
    'a file that is named is read, whatever its name',
  );
  await t.rejects(readManifests(join(folder, 'gone')), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: /gone/,
    cause: { code: 'ENOENT' },
  });
});

t.test(
  'the triggers are reported at once; a first reading with mistakes rejects with all of them',
  async (t) => {
    const folder = t.testdir({ 'a.yaml': manifest('one'), 'b.yaml': manifest('two') });
    t.strictSame((await watch(t, folder)).told, [['one: orders', 'two: orders']]);
    await writeFile(join(folder, 'a.yaml'), '{"kind": "Trigger"}');
    await writeFile(join(folder, 'b.yaml'), '{"kind"');
    const refused = createFileTriggers({
      path: folder,
      checkExpression,
      onProblems: () => undefined,
    }).watch(() => t.fail('nothing is told'));
    await t.rejects(refused, { code: 'MILLRACE_MANIFEST_INVALID', message: /a\.yaml[^]*b\.yaml/ });
  },
);

t.test('what Kubernetes alone can look up is a mistake here', async (t) => {
  const [apiVersion, kind] = ['millrace.dev/v1alpha1', 'KafkaCluster'];
  const cluster = { apiVersion, kind, metadata: { name: 'pay' }, spec: { strimzi: { kafka: 'my-cluster' } } };
  const folder = t.testdir({ 'a.yaml': manifest('a'), 'cluster.yaml': JSON.stringify(cluster) });
  await t.rejects(watch(t, folder), {
    code: 'MILLRACE_MANIFEST_INVALID',
    message:
      /cluster\.yaml:1:\d+ spec\.strimzi: works in Kubernetes only, where its resources can be read\. Write bootstrapServers/,
  });
});

t.test('every change is reported whole: edited, added, replaced, removed', async (t) => {
  const folder = t.testdir({ 'a.yaml': manifest('one'), deep: {} });
  const { last } = await watch(t, folder);
  const steps: [() => Promise<unknown>, string][] = [
    [() => writeFile(join(folder, 'a.yaml'), manifest('one', 'edited')), 'one: edited'],
    [() => writeFile(join(folder, 'deep', 'b.yaml'), manifest('two')), 'one: edited; two: orders'],
    [
      async () => {
        await writeFile(join(folder, 'a.yaml.new'), manifest('one', 'replaced'));
        await rename(join(folder, 'a.yaml.new'), join(folder, 'a.yaml'));
      },
      'one: replaced; two: orders',
    ],
    [() => writeFile(join(folder, 'a.yaml'), manifest('one', 'again')), 'one: again; two: orders'],
    [
      () =>
        mkdir(join(folder, 'new')).then(() => writeFile(join(folder, 'new', 'c.yaml'), manifest('three'))),
      'one: again; two: orders; three: orders',
    ],
    [() => rm(join(folder, 'deep'), { recursive: true }), 'one: again; three: orders'],
    [() => rm(join(folder, 'a.yaml')), 'three: orders'],
  ];
  for (const [change, expected] of steps) {
    await change();
    await until(() => last() === expected, 5_000).catch(() => undefined);
    t.equal(last(), expected);
  }
});

t.test('a mistake is reported, and the triggers stay as they were until it is mended', async (t) => {
  const folder = t.testdir({ 'a.yaml': manifest('one') });
  const { told, problems, last } = await watch(t, folder);
  await writeFile(join(folder, 'b.yaml'), '{"kind": "Trigger"}');
  await until(() => problems.length > 0);
  t.match(problems[0], [{ file: join(folder, 'b.yaml'), code: 'MILLRACE_MANIFEST_INVALID' }]);
  t.strictSame(told, [['one: orders']]);
  await writeFile(join(folder, 'b.yaml'), manifest('two'));
  await until(() => last() === 'one: orders; two: orders');
});

t.test('a single file, also when an editor replaces it', async (t) => {
  const file = join(t.testdir({ 'a.yaml': manifest('one') }), 'a.yaml');
  const { last } = await watch(t, file);
  for (const topic of ['first', 'second']) {
    await writeFile(`${file}.new`, manifest('one', topic));
    await rename(`${file}.new`, file);
    await until(() => last() === `one: ${topic}`, 5_000).catch(() => undefined);
    t.equal(last(), `one: ${topic}`);
  }
});

t.test('another file of the folder that changes is no news, however often', async (t) => {
  const file = join(t.testdir({ 'a.yaml': manifest('one') }), 'a.yaml');
  const { told, last } = await watch(t, file);
  for (let second = 0; second < 4; second += 1) {
    await writeFile(join(t.testdirName, 'app.log'), `line ${second}`);
    await delay(150);
  }
  await writeFile(file, manifest('one', 'edited'));
  await until(() => last() === 'one: edited');
  t.strictSame(told, [['one: orders'], ['one: edited']]);
});

t.test('a mounted ConfigMap, whose folder is exchanged behind a link', async (t) => {
  const folder = t.testdir({
    '..one': { 'a.yaml': manifest('one') },
    '..two': { 'a.yaml': manifest('one', 'exchanged') },
  });
  await symlink('..one', join(folder, '..data'));
  await symlink(join('..data', 'a.yaml'), join(folder, 'a.yaml'));
  const { last } = await watch(t, folder);
  t.equal(last(), 'one: orders');
  await symlink('..two', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await until(() => last() === 'one: exchanged', 5_000).catch(() => undefined);
  t.equal(last(), 'one: exchanged');
});

t.test('once stopped, nothing is reported', async (t) => {
  const folder = t.testdir({ 'a.yaml': manifest('one') });
  const stopped = await watch(t, folder);
  await writeFile(join(folder, 'a.yaml'), manifest('one', 'edited'));
  stopped.stop();
  const other = await watch(t, folder);
  await writeFile(join(folder, 'a.yaml'), manifest('one', 'again'));
  await until(() => other.last() === 'one: again');
  t.equal(stopped.told.length, 1);
});
