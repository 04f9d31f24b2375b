import { Registry } from 'prom-client';
import t from 'tap';
import { createControllerEmitter } from '../../../controller/controller-events.ts';
import { addControllerMetrics } from '../../../scaler/admin/controller-metrics.ts';

t.test('leadership, the queue, reconciles, failures and writes are counted', async (t) => {
  const registry = new Registry();
  const events = createControllerEmitter();
  addControllerMetrics(registry, events);
  t.match(
    await registry.metrics(),
    /^millrace_controller_leader 0$/m,
    'a controller that does not lead says so',
  );
  events.emit('led', true);
  events.emit('queued', 7);
  events.emit('reconciled', 'trigger', 0.02, 'done');
  events.emit('reconciled', 'trigger', 3, 'failed');
  events.emit('stepFailed', 'ScalerReady');
  events.emit('statusWritten');
  const text = await registry.metrics();
  for (const line of [
    'millrace_controller_leader 1',
    'millrace_controller_queue_depth 7',
    'millrace_controller_reconcile_seconds_count{kind="trigger",outcome="done"} 1',
    'millrace_controller_reconcile_seconds_sum{kind="trigger",outcome="failed"} 3',
    'millrace_controller_step_failures_total{condition="ScalerReady"} 1',
    'millrace_controller_status_writes_total 1',
  ])
    t.ok(text.split('\n').includes(line), line);
});
