import { readFile } from 'node:fs/promises';
import t from 'tap';
import { runCli } from './fixtures/run-cli.ts';

const trigger = `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: one }
spec:
  source: { topics: [orders] }
  function: { uri: http://localhost:1/ }
`;

t.test('--help names every command', async (t) => {
  const { code, stdout } = await runCli(t, ['--help']);
  t.equal(code, 0);
  for (const command of [
    ...['kafka', 'dev', 'demo', 'bench', 'create-topics', 'send', 'validate', 'try'],
    ...['triggers', 'blocked', 'skip', 'gateway', 'scaler', 'check', 'cleanup', 'completion'],
  ]) {
    t.match(stdout, new RegExp(`^  ${command} `, 'm'));
  }
});

t.test('--version is that of the package', async (t) => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  t.match(await runCli(t, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

t.test('the help of a process has its settings, each in a sentence', async (t) => {
  const { code, stdout } = await runCli(t, ['help', 'gateway']);
  t.equal(code, 0);
  t.match(stdout, /^ {2}MILLRACE_DRAIN_LIMIT +How long a stop waits/m);
});

t.test('a wrong use exits with 2, and says what is wrong', async (t) => {
  for (const args of [
    ['sned'],
    ['skip', 'shop/mailer', '--partition', 'x', '--offset', '1'],
    ['dev', '/no/such/folder'],
    ['demo', '--keep'],
    ['check', 'http://localhost', '--client-cert', 'x'],
  ]) {
    const { code, stdout, stderr } = await runCli(t, args);
    t.equal(code, 2, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, /^millrace: .+\n/);
  }
  t.match(await runCli(t, []), { code: 2, stdout: '', stderr: /^Usage: millrace / }, 'no command at all');
});

t.test('validate', async (t) => {
  t.test('reports every mistake, with its place and its remedy', async (t) => {
    const bad = trigger.replace('uri: http', 'uri: ftp').replace('topics:', 'topic:');
    const folder = t.testdir({
      'a.yaml': trigger,
      sub: { 'b.yml': bad },
      node_modules: { 'c.yaml': 'x: [' },
    });
    const { code, stdout, stderr } = await runCli(t, ['validate', folder]);
    t.equal(code, 1);
    t.equal(stdout, '');
    t.match(stderr, /b\.yml:5:\d+ spec\.source\.topic: .*topics/);
    t.match(stderr, /b\.yml:6:\d+ spec\.function\.uri: /);
    t.match(stderr, /^\d+ mistakes in 2 files$/m);
  });

  t.test('prints what is declared if nothing is wrong', async (t) => {
    const { code, stdout, stderr } = await runCli(t, [
      'validate',
      `${t.testdir({ 'a.yaml': trigger })}/a.yaml`,
    ]);
    t.match({ code, stderr }, { code: 0, stderr: '' });
    t.equal(stdout, 'default/one: orders → http://localhost:1/\n1 trigger in 1 file, no mistake\n');
  });

  t.test('as one JSON object', async (t) => {
    const bad = trigger.replace('name: one', 'name: two').replace('topics:', 'topic:');
    const folder = t.testdir({ 'a.yaml': trigger, 'b.yaml': bad });
    const { code, stdout, stderr } = await runCli(t, ['validate', '--json', folder]);
    t.match({ code, stderr }, { code: 1, stderr: '' });
    t.match(JSON.parse(stdout), {
      valid: false,
      files: 2,
      triggers: [{ trigger: 'default/one', topics: ['orders'], function: 'http://localhost:1/' }],
      mistakes: [
        { path: 'spec.source' },
        { file: /b\.yaml$/, line: 5, path: 'spec.source.topic', code: 'MILLRACE_MANIFEST_INVALID' },
      ],
      warnings: [],
    });
  });

  t.test('warns of a Deployment in another namespace', async (t) => {
    const stray = `${trigger.replace('name: one', 'name: one, namespace: shop').replace('uri: http://localhost:1/', 'ref: { name: f }')}---
apiVersion: apps/v1
kind: Deployment
metadata: { name: f }
`;
    const { code, stdout, stderr } = await runCli(t, [
      'validate',
      `${t.testdir({ 'a.yaml': stray })}/a.yaml`,
    ]);
    t.equal(code, 0);
    t.match(stderr, /^warning: .*a\.yaml:10:\d+ metadata\.namespace: is default, but .*shop/);
    t.match(stdout, /1 trigger in 1 file, no mistake, 1 warning\n$/);
  });

  t.test('reports a missing path, without a stack', async (t) => {
    const { code, stderr } = await runCli(t, ['validate', '/no/such/file']);
    t.equal(code, 2);
    t.match(
      stderr,
      /^millrace: cannot read the triggers at \/no\/such\/file.*\n {2}MILLRACE_CONFIG_INVALID: /,
    );
    t.notMatch(stderr, /\n\s+at /);
    const debug = await runCli(t, ['validate', '/no/such/file'], { env: { MILLRACE_DEBUG: '1' } });
    t.match(debug.stderr, /\n\s+at /);
  });
});
