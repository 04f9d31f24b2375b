import t from 'tap';
import { readBacklogs } from '../../../cli/gateways/backlog-metrics.ts';
import { createControllerEmitter } from '../../../controller/controller-events.ts';
import { createScalerMetrics } from '../../../scaler/admin/scaler-metrics.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

t.test('the backlogs that a scaler tells', async (t) => {
  const [events, triggers] = [createScalerEmitter(), createWantedTriggers()];
  const metrics = createScalerMetrics(events, createControllerEmitter(), triggers);
  triggers.replace([subscriptionOf('a'), subscriptionOf('b'), subscriptionOf('c')]);
  events.emit('backlog', 'geo/a', 12n);
  events.emit('backlog', 'geo/b', 0n);
  events.emit('backlog', 'geo/c', undefined);
  t.strictSame(
    [...readBacklogs(await metrics.metrics())],
    [
      ['geo/a', 12],
      ['geo/b', 0],
    ],
  );
  t.equal(readBacklogs('<html>').size, 0);
});
