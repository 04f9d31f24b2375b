// Watching by itself, without triggers. demand.test.ts covers the rest.
import t from 'tap';
import { createActivityWatch } from '../../../scaler/activation/activity-watch.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { until } from '../fixtures/until.ts';

t.test('checks at every interval, pushes while active, and checks no other key', async (t) => {
  const events = createScalerEmitter();
  const active = new Set<string>();
  const checks: string[] = [];
  const watch = createActivityWatch({
    isActive(key) {
      checks.push(key);
      return Promise.resolve(active.has(key));
    },
    intervalMs: () => 20,
    repeatMs: 5,
    emit: events.emit.bind(events),
  });
  t.teardown(() => watch.close());
  let pushes = 0;
  const stop = watch.watch('a', () => pushes++);
  watch.check('nobody-listens');
  watch.activate('nobody-listens');
  await until(() => checks.length >= 3);
  t.equal(pushes, 0);
  active.add('a');
  await until(() => pushes >= 2);
  stop();
  stop();
  t.ok(checks.every((key) => key === 'a'));
});
