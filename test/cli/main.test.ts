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
    'kafka',
    'gateway',
    'scaler',
    'dev',
    'demo',
    'send',
    'skip',
    'check',
    'validate',
    'bench',
  ]) {
    t.match(stdout, new RegExp(`^  ${command} `, 'm'));
  }
});

t.test('what is not known is an error', async (t) => {
  for (const args of [
    ['sned'],
    ['gateway', '--port', '1'],
    ['validate'],
    ['gateway', '--admin-port', '70000'],
    ['skip', 'shop/mailer', '--partition', '0'],
    ['check', 'http://localhost', '--limit', '5'],
    ['skip', 'shop/mailer', '--partition', '0', '--offset', '-1'],
    ['demo-feed', 'drink', 'topic'],
    ['skip', 'shop/mailer', '--partition', 'x', '--offset', '1'],
  ]) {
    const { code, stdout, stderr } = await runCli(t, args);
    t.equal(code, 1, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, /^error: .+\n/);
  }
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

  t.test('reports a missing path, without a stack', async (t) => {
    const { code, stderr } = await runCli(t, ['validate', '/no/such/file']);
    t.equal(code, 1);
    t.match(
      stderr,
      /^millrace: cannot read the triggers at \/no\/such\/file.*\n {2}MILLRACE_CONFIG_INVALID: /,
    );
    t.notMatch(stderr, /\n\s+at /);
    const debug = await runCli(t, ['validate', '/no/such/file'], { env: { MILLRACE_DEBUG: '1' } });
    t.match(debug.stderr, /\n\s+at /);
  });
});
