// The metrics of the controller, fed by its events. Their names continue those of the scaler, because the controller runs in it.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerEmitter } from '../../controller/controller-events.ts';

export function addControllerMetrics(registry: Registry, events: ControllerEmitter): void {
  const registers = [registry];
  const leader = new Gauge({
    name: 'millrace_controller_leader',
    help: '1 while the controller of this scaler leads, else 0. The sum over all scalers is 1.',
    registers,
  });
  events.on('led', (isLeading) => leader.set(Number(isLeading)));
  const depth = new Gauge({
    name: 'millrace_controller_queue_depth',
    help: 'Triggers and Deployments that wait to be reconciled at once.',
    registers,
  });
  events.on('queued', (waiting) => depth.set(waiting));
  const seconds = new Histogram({
    name: 'millrace_controller_reconcile_seconds',
    help: 'Seconds that one reconcile takes, by kind and outcome. A failed one is tried again with backoff.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  events.on('reconciled', (kind, took, outcome) => seconds.observe({ kind, outcome }, took));
  const failures = new Counter({
    name: 'millrace_controller_step_failures_total',
    help: 'Steps for a trigger that failed, by the condition of its status that says so.',
    labelNames: ['condition'],
    registers,
  });
  events.on('stepFailed', (condition) => failures.inc({ condition }));
  const statuses = new Counter({
    name: 'millrace_controller_status_writes_total',
    help: 'Statuses of triggers that were written.',
    registers,
  });
  events.on('statusWritten', () => statuses.inc());
}
