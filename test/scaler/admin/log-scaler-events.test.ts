import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { createLog } from '../../../core/process/log.ts';
import { logScalerEvents } from '../../../scaler/admin/log-scaler-events.ts';

function setUp() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('debug', {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const events = createScalerEmitter();
  logScalerEvents(events, log);
  return { lines, events };
}

t.test('a failure is logged when it begins and when it ends', async (t) => {
  const { lines, events } = setUp();
  const away = new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'No broker answers');
  const read = { brokers: ['kafka:9092'], seconds: 0.1, queries: 1 };
  for (const [error, isTurn] of [
    [undefined, false],
    [away, true],
    [away, false],
    [undefined, true],
    [undefined, false],
  ] as const) {
    events.emit('polled', { ...read, error, isTurn }, false);
    const unknown = new MillraceError('MILLRACE_BACKLOG_UNKNOWN', 'unknown', { cause: error });
    if (error !== undefined) events.emit('backlogFailed', 'geo/a', unknown);
  }
  const unknown = new MillraceError('MILLRACE_BACKLOG_UNKNOWN', 'unknown', { cause: new Error('gone') });
  events.emit('backlogFailed', 'geo/b', unknown);
  events.emit('backlogFailed', 'geo/b', unknown);
  events.emit('backlog', 'geo/b', undefined);
  events.emit('backlog', 'geo/b', 3n);
  events.emit('backlog', 'geo/b', 4n);
  t.match(lines, [
    { level: 40, msg: 'Kafka does not answer', cluster: 'kafka:9092', remedy: /KAFKA_BROKERS/ },
    { level: 30, msg: 'Kafka answers again', cluster: 'kafka:9092' },
    { level: 40, msg: 'backlog unknown', trigger: 'geo/b', error: 'unknown: gone' },
    { level: 30, msg: 'backlog known again', trigger: 'geo/b', backlog: '3' },
  ]);
  t.equal(lines.length, 4);
});

t.test('a failure of a trigger that is made again after it was removed is told again', async (t) => {
  const { lines, events } = setUp();
  const unknown = new MillraceError('MILLRACE_BACKLOG_UNKNOWN', 'unknown');
  events.emit('backlogFailed', 'geo/b', unknown);
  events.emit('forgotten', 'geo/b');
  events.emit('backlogFailed', 'geo/b', unknown);
  t.equal(lines.length, 2);
});

t.test('calls and streams', async (t) => {
  const { lines, events } = setUp();
  events.emit('activationCalled', 'geo/a', true);
  events.emit('activationCalled', 'geo/x', false);
  events.emit('streamOpened', 'geo/a');
  events.emit('streamClosed', 'geo/a');
  t.strictSame(
    lines.map(({ level }) => level),
    [20, 40, 20, 20],
  );
});
