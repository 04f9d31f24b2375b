// The course of the demo: bursts of earthquakes, with pauses in between in which the functions scale to zero.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import { encodeRecord } from '../../gateway/events/encode-record.ts';
import type { Earthquake } from './earthquakes.ts';

export interface Burst {
  readonly name: string;
  readonly earthquakes: readonly Earthquake[];
  readonly perSecond: number;
  /** Whether the next burst waits until all functions have scaled to zero. */
  readonly thenIdle: boolean;
}

/** A few earthquakes wake the functions, then come more than one replica can handle. After a pause, the rest wakes them again. */
export function burstsOf(earthquakes: readonly Earthquake[]): Burst[] {
  const few = Math.ceil(earthquakes.length * 0.03);
  const half = Math.ceil(earthquakes.length * 0.55);
  return [
    { name: 'a few', earthquakes: earthquakes.slice(0, few), perSecond: 25, thenIdle: false },
    { name: 'a swarm', earthquakes: earthquakes.slice(few, half), perSecond: 500, thenIdle: true },
    { name: 'another swarm', earthquakes: earthquakes.slice(half), perSecond: 500, thenIdle: true },
  ];
}

export interface ReplayOptions {
  readonly say: (line: string) => void;
  /** Resolves when Kafka has stored the whole burst. `index` is its place in the week, from 0. */
  readonly append: (burst: Burst, index: number) => Promise<void>;
  /** True when all records are settled and no function runs; false when progress has stalled, which ends the replay. */
  readonly waitUntilIdle: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Replays one week. Rejects when `signal` aborts. */
export async function replayWeek(
  earthquakes: readonly Earthquake[],
  { say, append, waitUntilIdle, signal }: ReplayOptions,
): Promise<void> {
  for (const [index, burst] of burstsOf(earthquakes).entries()) {
    say(`${burst.name}: ${burst.earthquakes.length} earthquakes, ${burst.perSecond} a second`);
    await append(burst, index);
    signal.throwIfAborted();
    if (!burst.thenIdle) {
      await sleep(1000, undefined, { signal });
      continue;
    }
    say('pause: the functions scale to zero once everything is delivered');
    if (!(await waitUntilIdle())) return;
  }
}

export interface AppendOptions {
  readonly topic: string;
  readonly sink: RecordSink;
  /** Called when a record is handed to Kafka. */
  readonly onAppend: (id: string) => void;
  readonly signal: AbortSignal;
}

/** Appends a burst at its rate, keyed by region. Resolves when Kafka has stored all of it, or when `signal` aborts. */
export async function append({ earthquakes, perSecond }: Burst, options: AppendOptions): Promise<void> {
  const { topic, sink, onAppend, signal } = options;
  const startMs = performance.now();
  const writes: Promise<unknown>[] = [];
  for (const [index, { event, region }] of earthquakes.entries()) {
    const aheadMs = startMs + (index * 1000) / perSecond - performance.now();
    if (aheadMs > 1) await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    onAppend(event.id);
    writes.push(sink.write({ topic, ...encodeRecord(event), key: Buffer.from(region) }));
  }
  await Promise.all(writes);
}
