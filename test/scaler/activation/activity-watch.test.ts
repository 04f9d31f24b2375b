// What of watching is not a trigger's: test/scaler/activation/demand.test.ts has the rest.
import t from 'tap';
import { createActivityWatch } from '../../../scaler/activation/activity-watch.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { until } from '../fixtures/until.ts';

t.test('looks by itself at every interval, pushes while active, and leaves others alone', async (t) => {
  const events = createScalerEmitter();
  const active = new Set<string>();
  const looks: string[] = [];
  const watch = createActivityWatch({
    isActive(key) {
      looks.push(key);
      return Promise.resolve(active.has(key));
    },
    intervalMs: () => 20,
    repeatMs: 5,
    emit: events.emit.bind(events),
  });
  t.teardown(() => watch.close());
  let told = 0;
  const stop = watch.watch('a', () => told++);
  watch.look('nobody-listens');
  watch.activate('nobody-listens');
  await until(() => looks.length >= 3);
  t.equal(told, 0);
  active.add('a');
  await until(() => told >= 2);
  stop();
  stop();
  t.ok(looks.every((key) => key === 'a'));
});
