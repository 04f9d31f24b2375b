// The metrics of the gateway, updated by its events. docs/reference/metrics.md lists names, units and labels.
import { Counter, Registry, collectDefaultMetrics } from 'prom-client';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import { createGauges, type GaugeReading } from './gauges.ts';
import { Tallies } from './tallied-metrics.ts';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** A registry that counts `events` from now on, and reads the gauges from `snapshot`. A trigger that ends takes its series with it. */
export function createMetrics(events: GatewayEmitter, snapshot: () => readonly GaugeReading[]): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const tallies = new Tallies(registry);
  tallySettlements(tallies, events);
  tallyAttempts(tallies, events);
  tallyFilterErrors(tallies, events);
  tallyFlow(tallies, events);
  tallyOutputs(tallies, events);
  tallyTroubles(tallies, events);
  tallyNotices(tallies, events);
  createGauges(registry, snapshot);
  countKubernetesRequests(registry, events);
  events.on('ended', ({ key }) => tallies.forget(key));
  return registry;
}

function countKubernetesRequests(registry: Registry, events: GatewayEmitter): void {
  const requests = new Counter({
    name: 'millrace_kubernetes_requests_total',
    help: 'Requests to the API server of Kubernetes, by verb, resource and HTTP status.',
    labelNames: ['verb', 'resource', 'status'],
    registers: [registry],
  });
  events.on('kubernetesRequest', ({ verb, plural, status }) =>
    requests.inc({ verb, resource: plural, status: String(status ?? 'none') }),
  );
}

function tallySettlements(tallies: Tallies, events: GatewayEmitter): void {
  const settled = tallies.counter(
    'millrace_settled_records_total',
    'Records settled, by their settlement.',
    'settlement',
  );
  const latency = tallies.histogram(
    'millrace_delivery_latency_seconds',
    "Seconds from a record's timestamp to its delivery.",
    seconds,
  );
  events.on('settled', (subscription, record, settlement) => {
    settled(subscription, settlement).count += 1;
    if (settlement === 'delivered')
      latency(subscription).observe(Math.max(0, Date.now() - record.timestampMs) / 1000);
  });
}

function tallyAttempts(tallies: Tallies, events: GatewayEmitter): void {
  const attempts = tallies.counterBy(
    'millrace_attempts_total',
    'Requests to functions, by outcome and HTTP status.',
    ['outcome', 'status'],
  );
  const took = tallies.histogram(
    'millrace_attempt_duration_seconds',
    'Seconds from sending a request to the end of its answer.',
    seconds,
  );
  events.on('attempted', (subscription, outcome, status, duration) => {
    took(subscription).observe(duration);
    attempts(subscription, outcome, status === undefined ? 'none' : String(status)).count += 1;
  });
}

function tallyFilterErrors(tallies: Tallies, events: GatewayEmitter): void {
  const faults = tallies.counterBy(
    'millrace_filter_errors_total',
    'Filters that could not be evaluated on an event, by reason.',
    ['dialect', 'reason'],
  );
  events.on('filterFailed', (subscription, { dialect, code }) => {
    faults(subscription, dialect, code).count += 1;
  });
}

function tallyFlow(tallies: Tallies, events: GatewayEmitter): void {
  const records = tallies.counter('millrace_fetched_records_total', 'Records fetched from Kafka.');
  const bytes = tallies.counter(
    'millrace_fetched_bytes_total',
    'Memory that fetched records take, in bytes.',
  );
  const retries = tallies.counter('millrace_retries_total', 'Attempts that failed and will be made again.');
  const bisections = tallies.counter(
    'millrace_bisections_total',
    'Batches that failed as a whole and were retried in halves.',
  );
  events.on('fetched', (subscription, count, size) => {
    records(subscription).count += count;
    bytes(subscription).count += size;
  });
  events.on('retrying', (subscription) => void (retries(subscription).count += 1));
  events.on('bisected', (subscription) => void (bisections(subscription).count += 1));
}

function tallyOutputs(tallies: Tallies, events: GatewayEmitter): void {
  const deadLetters = tallies.counter(
    'millrace_dead_lettered_records_total',
    'Records stored in a dead-letter topic, by reason.',
    'reason',
  );
  const replies = tallies.counter('millrace_replies_total', 'Replies stored in the reply topic.');
  const failures = tallies.counter(
    'millrace_store_failures_total',
    'Failed writes of dead letters and replies; each is retried.',
    'what',
  );
  const commits = tallies.counter('millrace_commits_total', 'Offset commits, by result.', 'result');
  events.on('deadLettered', (subscription, _record, { reason }) => {
    deadLetters(subscription, reason).count += 1;
  });
  events.on('replied', (subscription) => void (replies(subscription).count += 1));
  events.on('storeFailed', (subscription, _record, what) => {
    failures(subscription, what).count += 1;
  });
  events.on('committed', (subscription) => void (commits(subscription, 'committed').count += 1));
  events.on('commitFailed', (subscription) => void (commits(subscription, 'failed').count += 1));
}

function tallyTroubles(tallies: Tallies, events: GatewayEmitter): void {
  const holds = tallies.counter(
    'millrace_holds_total',
    'Times that records were held because no endpoint was ready, or credentials for the function were missing.',
  );
  const blocks = tallies.counter(
    'millrace_blocks_total',
    'Times that a record blocked its lane because the trigger has no dead-letter topic.',
  );
  const circuits = tallies.counter(
    'millrace_circuits_opened_total',
    'Times that an endpoint failed so often that it got no requests for a while.',
  );
  const faults = tallies.counter(
    'millrace_trigger_faults_total',
    'Times that a fault of the gateway stopped the trigger, which then starts again.',
  );
  events.on('held', (subscription) => void (holds(subscription).count += 1));
  events.on('blocked', (subscription) => void (blocks(subscription).count += 1));
  events.on('circuitOpened', (subscription) => void (circuits(subscription).count += 1));
  events.on('faulted', (subscription) => void (faults(subscription).count += 1));
}

/** Counts problems that the record sources noticed and repaired by themselves, and batches that an operator passed. */
function tallyNotices(tallies: Tallies, events: GatewayEmitter): void {
  const rebuilds = tallies.counter(
    'millrace_source_rebuilds_total',
    'Kafka clients that were discarded and rebuilt, by reason.',
    'reason',
  );
  const skipped = tallies.counter(
    'millrace_skipped_offsets_total',
    'Offsets that were passed unread, by reason.',
    'reason',
  );
  const rewinds = tallies.counter(
    'millrace_source_rewinds_total',
    'Times that a topic or partition was read again from an earlier offset, by reason.',
    'reason',
  );
  const unproved = tallies.counter(
    'millrace_unproved_records_total',
    'Records that are delivered again because nothing proves that the progress mark that calls them settled is of this log.',
  );
  events.on('skipped', (subscription, _request, { batch }) => {
    if (batch?.lastOffset === undefined) return;
    skipped(subscription, 'unreadable').count += Number(batch.lastOffset - batch.offset + 1n);
  });
  events.on('sourceNotice', (subscription, notice) => {
    switch (notice.kind) {
      case 'rebuilt':
        rebuilds(subscription, notice.reason).count += 1;
        return;
      case 'skipped':
        skipped(subscription, 'deleted').count += Number(notice.count);
        return;
      case 'unproved':
        unproved(subscription).count += Number(notice.count ?? 1n);
        return;
      case 'recreated':
      case 'truncated':
      case 'reset':
        rewinds(subscription, notice.kind).count += 1;
    }
  });
}
