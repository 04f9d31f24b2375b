// The metrics of the gateway, updated by its events. docs/reference/metrics.md lists names, units and labels.
import type { EventEmitter } from 'node:events';
import { Counter, Registry, collectDefaultMetrics } from 'prom-client';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { createGauges, type GaugeReading } from './gauges.ts';
import { createTalliedCounter, createTalliedHistogram, type TallyDefinition } from './tallied-metrics.ts';

const labelNames = ['namespace', 'trigger'] as const;
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** A registry that counts `events` from now on, and reads the gauges from `snapshot`. */
export function createMetrics(
  events: EventEmitter<GatewayEvents>,
  snapshot: () => readonly GaugeReading[],
): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  createTallies(registry, events);
  createCounters(registry, events);
  createGauges(registry, snapshot);
  return registry;
}

/**
 * Calls `create` with the labels of a trigger once, and returns the same result for it from then on. A trigger that was replaced after
 * an edit of its manifest keeps the series of its name.
 */
function perTrigger<T>(
  create: (labels: { namespace: string; trigger: string }) => T,
): (subscription: Subscription) => T {
  const known = new WeakMap<Subscription, T>();
  const byKey = new Map<string, T>();
  return (subscription) => {
    let made = known.get(subscription);
    if (made === undefined) {
      made =
        byKey.get(subscription.key) ??
        create({ namespace: subscription.namespace, trigger: subscription.name });
      known.set(subscription, made);
      byKey.set(subscription.key, made);
    }
    return made;
  };
}

/** Caches the results of `make` for each pair of arguments. */
function remember<T>(make: (first: string, second: string) => T): (first: string, second: string) => T {
  const known = new Map<string, T>();
  return (first, second) => {
    const key = `${first} ${second}`;
    let made = known.get(key);
    if (made === undefined) known.set(key, (made = make(first, second)));
    return made;
  };
}

type Define = (name: string, help: string, more?: readonly string[]) => TallyDefinition;

/** The metrics that change once or more per event. */
function createTallies(registry: Registry, events: EventEmitter<GatewayEvents>): void {
  const definition: Define = (name, help, more = []) => ({
    name,
    help,
    labelNames: [...labelNames, ...more],
    registry,
  });
  tallySettlements(definition, events);
  tallyAttempts(definition, events);
  tallyFilterErrors(definition, events);
}

function tallySettlements(definition: Define, events: EventEmitter<GatewayEvents>): void {
  const settled = createTalliedCounter(
    definition('millrace_settled_records_total', 'Records settled, by their settlement.', ['settlement']),
  );
  const latency = createTalliedHistogram(
    definition('millrace_delivery_latency_seconds', "Seconds from a record's timestamp to its delivery."),
    seconds,
  );
  const settledOf = perTrigger((labels) => ({
    delivered: settled({ ...labels, settlement: 'delivered' }),
    filtered: settled({ ...labels, settlement: 'filtered' }),
    'dead-lettered': settled({ ...labels, settlement: 'dead-lettered' }),
    skipped: settled({ ...labels, settlement: 'skipped' }),
    latency: latency(labels),
  }));
  events.on('settled', (subscription, record, settlement) => {
    const series = settledOf(subscription);
    series[settlement].count += 1;
    if (settlement === 'delivered')
      series.latency.observe(Math.max(0, Date.now() - record.timestampMs) / 1000);
  });
}

function tallyAttempts(definition: Define, events: EventEmitter<GatewayEvents>): void {
  const attempts = createTalliedCounter(
    definition('millrace_attempts_total', 'Requests to functions, by outcome and HTTP status.', [
      'outcome',
      'status',
    ]),
  );
  const took = createTalliedHistogram(
    definition(
      'millrace_attempt_duration_seconds',
      'Seconds from sending a request to the end of its answer.',
    ),
    seconds,
  );
  const attemptsOf = perTrigger((labels) => ({
    took: took(labels),
    count: remember((outcome: string, status: string) => attempts({ ...labels, outcome, status })),
  }));
  events.on('attempted', (subscription, outcome, status, duration) => {
    const series = attemptsOf(subscription);
    series.took.observe(duration);
    series.count(outcome, status === undefined ? 'none' : String(status)).count += 1;
  });
}

function tallyFilterErrors(definition: Define, events: EventEmitter<GatewayEvents>): void {
  const faults = createTalliedCounter(
    definition(
      'millrace_filter_errors_total',
      'Filters that could not be evaluated on an event, by reason.',
      ['dialect', 'reason'],
    ),
  );
  const faultsOf = perTrigger((labels) =>
    remember((dialect: string, reason: string) => faults({ ...labels, dialect, reason })),
  );
  events.on('filterFailed', (subscription, { dialect, code }) => {
    faultsOf(subscription)(dialect, code).count += 1;
  });
}

function createCounters(registry: Registry, events: EventEmitter<GatewayEvents>): void {
  const counter = (name: string, help: string, ...more: string[]): Counter =>
    new Counter({ name, help, labelNames: [...labelNames, ...more], registers: [registry] });
  const records = counter('millrace_fetched_records_total', 'Records fetched from Kafka.');
  const bytes = counter('millrace_fetched_bytes_total', 'Memory that fetched records take, in bytes.');
  const retries = counter('millrace_retries_total', 'Attempts that failed and will be made again.');
  const deadLetters = counter(
    'millrace_dead_lettered_records_total',
    'Records stored in a dead-letter topic, by reason.',
    'reason',
  );
  const replies = counter('millrace_replies_total', 'Replies stored in the reply topic.');
  const failures = counter(
    'millrace_store_failures_total',
    'Failed writes of dead letters and replies; each is retried.',
    'what',
  );
  const commits = counter('millrace_commits_total', 'Offset commits, by result.', 'result');
  const holds = counter(
    'millrace_holds_total',
    'Times that records were held because no endpoint was ready, or credentials for the function were missing.',
  );
  const blocks = counter(
    'millrace_blocks_total',
    'Times that a record blocked its lane because the trigger has no dead-letter topic.',
  );
  const circuits = counter(
    'millrace_circuits_opened_total',
    'Times that an endpoint failed so often that it got no requests for a while.',
  );

  const bisections = counter(
    'millrace_bisections_total',
    'Batches that failed as a whole and were retried in halves.',
  );

  const labelsOf = perTrigger((labels) => labels);
  countNotices(events, labelsOf, counter);
  events.on('fetched', (subscription, count, size) => {
    records.inc(labelsOf(subscription), count);
    bytes.inc(labelsOf(subscription), size);
  });
  events.on('retrying', (subscription) => retries.inc(labelsOf(subscription)));
  events.on('deadLettered', (subscription, _record, { reason }) =>
    deadLetters.inc({ ...labelsOf(subscription), reason }),
  );
  events.on('replied', (subscription) => replies.inc(labelsOf(subscription)));
  events.on('storeFailed', (subscription, _record, what) =>
    failures.inc({ ...labelsOf(subscription), what }),
  );
  events.on('committed', (subscription) => commits.inc({ ...labelsOf(subscription), result: 'committed' }));
  events.on('commitFailed', (subscription) => commits.inc({ ...labelsOf(subscription), result: 'failed' }));
  events.on('circuitOpened', (subscription) => circuits.inc(labelsOf(subscription)));
  events.on('held', (subscription) => holds.inc(labelsOf(subscription)));
  events.on('bisected', (subscription) => bisections.inc(labelsOf(subscription)));
  events.on('blocked', (subscription) => blocks.inc(labelsOf(subscription)));
}

/** Counts problems that the record sources noticed and repaired by themselves. */
function countNotices(
  events: EventEmitter<GatewayEvents>,
  labelsOf: (subscription: Subscription) => { namespace: string; trigger: string },
  counter: (name: string, help: string, ...more: string[]) => Counter,
): void {
  const rebuilds = counter(
    'millrace_source_rebuilds_total',
    'Kafka clients that were discarded and rebuilt, by reason.',
    'reason',
  );
  const skipped = counter(
    'millrace_skipped_offsets_total',
    'Offsets that were passed without a settlement, by reason.',
    'reason',
  );
  const rewinds = counter(
    'millrace_source_rewinds_total',
    'Times that a topic or partition was read again from an earlier offset, by reason.',
    'reason',
  );
  events.on('sourceNotice', (subscription, notice) => {
    const labels = labelsOf(subscription);
    switch (notice.kind) {
      case 'rebuilt':
        return rebuilds.inc({ ...labels, reason: notice.reason });
      case 'skipped':
        return skipped.inc({ ...labels, reason: 'deleted' }, Number(notice.count));
      case 'recreated':
      case 'truncated':
        return rewinds.inc({ ...labels, reason: notice.kind });
    }
  });
}
