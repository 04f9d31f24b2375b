// Writes the records of the benchmarks, and declares the options that all benchmarks get.
import type { RecordSink } from '../../core/contract/record-sink.ts';
import { sampleRecord } from './sample.ts';

export interface BenchOptions {
  /** Events of each throughput row. */
  readonly events: number;
  /** Records in the topic whose function never answers. */
  readonly stuckRecords: number;
  /** How long memory is measured while that function is stuck. */
  readonly stuckSeconds: number;
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Bench extends BenchOptions {
  readonly brokers: string;
  readonly sink: RecordSink;
}

export async function fill(
  { sink, signal }: Pick<Bench, 'sink' | 'signal'>,
  to: string,
  count: number,
  recordOf = sampleRecord,
): Promise<void> {
  for (let from = 0; from < count && !signal.aborted; from += 10_000) {
    const batch = Array.from({ length: Math.min(10_000, count - from) }, (_, index) =>
      sink.write(recordOf(to, from + index)),
    );
    await Promise.all(batch);
  }
  signal.throwIfAborted();
}

export async function sendAtRate(
  { sink, signal }: Bench,
  to: string,
  perSecond: number,
  seconds: number,
): Promise<void> {
  const writes: Promise<unknown>[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < perSecond * seconds && !signal.aborted; index += 1) {
    const waitMs = startedMs + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    writes.push(sink.write(sampleRecord(to, index, performance.timeOrigin + performance.now())));
  }
  await Promise.all(writes);
  signal.throwIfAborted();
}
