import t from 'tap';
import { checkOutputs } from '../../../.build/outputs/check.ts';
import { planted } from '../../fixtures/secrets/planted.ts';

t.test('outputs without a secret pass, with their size', async (t) => {
  const folder = t.testdir({ planted: 'a\n', 'a.stdout': 'x'.repeat(1_200_000) });
  const name = 'no planted secret in 1.2 MB of outputs';
  t.strictSame(await checkOutputs(folder, true), { name, isPassed: true, output: '' });
});

t.test('a secret fails the check, which names its place and does not repeat it', async (t) => {
  const folder = t.testdir({ 'a.http': `200 {"password":"${planted('')}"`, planted: 'a\n' });
  const { isPassed, output } = await checkOutputs(folder, true);
  t.notOk(isPassed);
  t.equal(output, 'a.http, byte 18: a planted secret, as it is, after: 200 {"password":"-');
});

t.test('the check names only some of many findings', async (t) => {
  const folder = t.testdir({ 'a.http': planted('').repeat(25) });
  const { output } = await checkOutputs(folder, false);
  t.equal(output.split('\n').length, 21);
  t.match(output, /\n… and 5 more$/);
});

t.test('the check fails when nothing was recorded or planted', async (t) => {
  t.match(await checkOutputs(t.testdir(), false), { isPassed: false, output: /^nothing was recorded/ });
  const printed = t.testdir({ 'a.stdout': 'TAP' });
  t.match(await checkOutputs(printed, true), { isPassed: false, output: /^no test has planted a secret/ });
  t.match(await checkOutputs(printed, false), { isPassed: true }, 'of one file, which may have none');
});
