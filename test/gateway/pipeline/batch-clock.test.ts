import { mock } from 'node:test';
import t from 'tap';
import { BatchClock } from '../../../gateway/pipeline/batch-clock.ts';
import { lanesOf, settingsOf } from './build-lanes.ts';

t.test('a batch that is no batch is due at once', async (t) => {
  t.equal(new BatchClock(settingsOf('binary'), () => t.fail()).isDue(lanesOf(['a']).lanes), true);
});

t.test(
  'a batch is due when it is full, or its first event has waited, and stays due until it is sent',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => mock.timers.reset());
    let dueCalls = 0;
    const clock = new BatchClock(settingsOf('batched', 3), () => (dueCalls += 1));
    const { lanes } = lanesOf(['a', 'b']);
    t.equal(clock.isDue(lanes), false);
    t.equal(clock.isDue(lanes), false);
    mock.timers.tick(49);
    t.equal(dueCalls, 0);
    mock.timers.tick(1);
    t.equal(dueCalls, 1);
    t.equal(clock.isDue(lanes), true);
    t.equal(clock.isDue(lanes), true, 'no endpoint had room for it yet');
    clock.stop();
    t.equal(clock.isDue(lanes), false, 'the next one waits anew');
    clock.stop();
    mock.timers.tick(1_000);
    t.equal(dueCalls, 1);
    t.equal(clock.isDue(lanesOf(['a', 'b', 'c']).lanes), true, 'full');
  },
);

t.test('what failed in a batch has waited, and is due at once', async (t) => {
  const { lanes, deliveries } = lanesOf(['a', 'b']);
  for (const delivery of deliveries) delivery.batchLimit = 2;
  t.equal(new BatchClock(settingsOf('batched', 3), () => t.fail()).isDue(lanes), true);
});
