import t from 'tap';
import { createStackLog } from '../../../cli/local/stack-log.ts';

function linesAt(level: string): string[] {
  const lines: string[] = [];
  const log = createStackLog(level, (line) => void lines.push(line)).child({ component: 'gateway' });
  log.info('the gateway listens');
  log.warn({ trigger: 'shop/a', error: 'refused' }, 'source failing');
  log.info({ trigger: 'shop/a', recovered: true }, 'Kafka answers again');
  log.debug({ reason: '' }, 'record skipped');
  log.debug({ reason: 'crashed', detail: 'loading' }, 'new client');
  log.warn({ namespace: 'BrokerPool' }, 'of the client');
  return lines;
}

const [failing, over] = ['gateway shop/a: source failing (refused)', 'gateway shop/a: Kafka answers again'];

t.test('who is shown a warning is also shown when it is over', async (t) => {
  t.strictSame(linesAt('warn'), [failing, over]);
  t.strictSame(linesAt('error'), []);
  t.strictSame(linesAt('info'), ['gateway: the gateway listens', failing, over]);
  t.match(linesAt('debug'), [
    /listens$/,
    failing,
    over,
    /: record skipped$/,
    /: new client \(crashed: loading\)$/,
    /of the client$/,
  ]);
});
