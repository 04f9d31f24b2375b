import { spawnSync } from 'node:child_process';
import t from 'tap';
import { createLog } from '../../../core/process/log.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

t.test('one line of JSON on standard error, and no secret in it', async (t) => {
  const program = `
    import { createLog } from './core/process/log.ts';
    import { planted } from './test/fixtures/secrets/planted.ts';
    const log = createLog('info');
    log.debug('not this');
    const password = planted('a');
    log.info({ trigger: 'geo/a', password, sasl: { password }, config: { tls: { key: password } } }, 'started');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  t.equal(stdout, '');
  t.equal(stderr.trim().split('\n').length, 1);
  t.match(JSON.parse(stderr), { level: 30, msg: 'started', trigger: 'geo/a', password: '[redacted]' });
  t.notMatch(stderr, mark);
});

t.test('secrets stay out, whatever the destination', async (t) => {
  const password = planted('a');
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) }).child({ component: 'scaler' });
  log.info(
    { password, sasl: { mechanism: 'plain', password }, cluster: { password, host: 'a' } },
    'connected',
  );
  t.match(JSON.parse(lines[0] ?? ''), {
    component: 'scaler',
    password: '[redacted]',
    sasl: '[redacted]',
    cluster: { password: '[redacted]', host: 'a' },
  });
});
