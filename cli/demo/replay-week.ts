// The order of events of the demo: earthquakes in bursts, and quiet in between, in which the functions go to sleep.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordSink } from '../../core/contract/record-sink.ts';
import { encodeRecord } from '../../gateway/events/encode-record.ts';
import type { Earthquake } from './earthquakes.ts';

export interface Burst {
  readonly name: string;
  readonly earthquakes: readonly Earthquake[];
  readonly perSecond: number;
  /** Whether the functions may go to sleep before the next one. */
  readonly thenQuiet: boolean;
}

/** A few to wake up for, then more than one replica can bear; quiet; and the rest, to wake up for again. */
export function burstsOf(earthquakes: readonly Earthquake[]): Burst[] {
  const few = Math.ceil(earthquakes.length * 0.03);
  const half = Math.ceil(earthquakes.length * 0.55);
  return [
    { name: 'a few', earthquakes: earthquakes.slice(0, few), perSecond: 25, thenQuiet: false },
    { name: 'a swarm', earthquakes: earthquakes.slice(few, half), perSecond: 500, thenQuiet: true },
    { name: 'another swarm', earthquakes: earthquakes.slice(half), perSecond: 500, thenQuiet: true },
  ];
}

export interface ReplayOptions {
  readonly say: (line: string) => void;
  /** Resolves when Kafka has all of the burst, the `index`th of the week. */
  readonly append: (burst: Burst, index: number) => Promise<void>;
  /** True when all is settled and nothing runs; false when nothing has moved for too long, which ends the replay. */
  readonly quiet: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** One week. Rejects when `signal` aborts. */
export async function replayWeek(
  earthquakes: readonly Earthquake[],
  { say, append, quiet, signal }: ReplayOptions,
): Promise<void> {
  for (const [index, burst] of burstsOf(earthquakes).entries()) {
    say(`${burst.name}: ${burst.earthquakes.length} earthquakes, ${burst.perSecond} a second`);
    await append(burst, index);
    signal.throwIfAborted();
    if (!burst.thenQuiet) {
      await sleep(1000, undefined, { signal });
      continue;
    }
    say('quiet: when all is delivered, the functions go to sleep');
    if (!(await quiet())) return;
  }
}

export interface AppendOptions {
  readonly topic: string;
  readonly sink: RecordSink;
  /** When a record is handed to Kafka. */
  readonly onAppend: (id: string) => void;
  readonly signal: AbortSignal;
}

/** Appends a burst at its rate, keyed by region; resolves when Kafka has all of it, or `signal` aborts. */
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
