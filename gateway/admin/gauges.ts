// The gauges of the gateway: what a trigger looks like at the time of a scrape.
import type { Registry } from 'prom-client';
import { registerComputed } from './tallied-metrics.ts';

/** The values of the gauges of one trigger, read at each scrape. */
export interface GaugeReading {
  readonly key: string;
  readonly queued: number;
  readonly inFlight: number;
  readonly held: number;
  readonly parked: number;
  readonly congested: number;
  readonly blocked: number;
  readonly unreadable: number;
  readonly readyEndpoints: number;
  readonly openCircuits: number;
  readonly concurrencyLimit: number;
  readonly lowestConcurrencyLimit: number;
  readonly isRateLimited: boolean;
  readonly missingCredentials: string;
  readonly partitions: number;
  readonly ready: boolean;
}

const gauges: readonly (readonly [name: string, help: string, read: (reading: GaugeReading) => number])[] = [
  ['millrace_buffered_records', 'Records in memory that are not settled.', ({ queued }) => queued],
  ['millrace_in_flight_events', 'Events in requests in flight.', ({ inFlight }) => inFlight],
  [
    'millrace_held_records',
    'Records held because no endpoint is ready, or credentials for the function are missing.',
    ({ held }) => held,
  ],
  [
    'millrace_parked_lanes',
    'Lanes that wait behind a failure, including blocked lanes.',
    ({ parked }) => parked,
  ],
  [
    'millrace_congested_partitions',
    'Partitions that are not fetched because too much of them waits behind failures.',
    ({ congested }) => congested,
  ],
  [
    'millrace_blocked_lanes',
    'Lanes that a record blocks because the trigger has no dead-letter topic.',
    ({ blocked }) => blocked,
  ],
  [
    'millrace_unreadable_batches',
    'Batches that cannot be read: their partitions wait before them.',
    ({ unreadable }) => unreadable,
  ],
  ['millrace_ready_endpoints', 'Ready endpoints of the function.', ({ readyEndpoints }) => readyEndpoints],
  [
    'millrace_open_circuits',
    'Ready endpoints that get no requests for now because they kept failing.',
    ({ openCircuits }) => openCircuits,
  ],
  [
    'millrace_concurrency_limit',
    'Requests that may be in flight at all ready endpoints together.',
    ({ concurrencyLimit }) => concurrencyLimit,
  ],
  [
    'millrace_lowest_concurrency_limit',
    'Requests that may be in flight at the ready endpoint with the lowest limit.',
    ({ lowestConcurrencyLimit }) => lowestConcurrencyLimit,
  ],
  [
    'millrace_rate_limited',
    '1 while records wait for the rate limit.',
    ({ isRateLimited }) => (isRateLimited ? 1 : 0),
  ],
  [
    'millrace_credentials_missing',
    '1 while nothing is sent to the function because its credentials or its token are missing.',
    ({ missingCredentials }) => (missingCredentials === '' ? 0 : 1),
  ],
  [
    'millrace_assigned_partitions',
    'Partitions that are assigned to this gateway.',
    ({ partitions }) => partitions,
  ],
  [
    'millrace_trigger_ready',
    '1 while the trigger is ready: its partitions are assigned and fetched.',
    ({ ready }) => (ready ? 1 : 0),
  ],
];

/** Reads the values from `snapshot` at each scrape: once for all gauges. */
export function createGauges(registry: Registry, snapshot: () => readonly GaugeReading[]): void {
  let current: readonly GaugeReading[] | undefined;
  const readings = (): readonly GaugeReading[] => {
    if (current === undefined) setImmediate(() => (current = undefined));
    return (current ??= snapshot());
  };
  for (const [name, help, valueOf] of gauges) {
    const read = () =>
      readings().map((reading) => {
        const [namespace = '', trigger = ''] = reading.key.split('/');
        return { labels: { namespace, trigger }, value: valueOf(reading) };
      });
    registerComputed(registry, { name, help, type: 'gauge', labelNames: ['namespace', 'trigger'], read });
  }
}
