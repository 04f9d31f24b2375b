// The outputs that a partition stores together with a commit: replies and dead letters, in the order of their answers. Their records
// stay open in the ledger until the transaction that stores the outputs is committed, so no other commit covers them.
//
//   lane ──► stage ──► [ 7 9 8 | held: 12 (too large), and 14 behind it in its lane ]
//                        └─ take: these, and the progress as if they were settled ──► one transaction ──► settled for good
//                                 ▲                                                          │
//                                 └──────────── aborted: all stay staged ◄───────────────────┘
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { OutgoingRecord, StoredAt } from '../../core/contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../core/contract/record-source.ts';
import { decodeMark } from '../../core/contract/marks/progress-mark.ts';

export interface Output {
  /** The offset of the record that this output settles. */
  readonly offset: bigint;
  /** Outputs of one lane keep their order. */
  readonly lane: unknown;
  readonly record: OutgoingRecord;
  /** Kafka has stored it together with the commit of its record. */
  readonly stored: (at: StoredAt) => void;
  /** A broker refused it; it is tried again. */
  readonly failed: (error: Error) => void;
}

/** The partition, as its outbox sees it. */
export interface OutboxOwner {
  readonly open: boolean;
  bytes: number;
  progress(settling?: ReadonlySet<bigint>): PartitionProgress;
}

export interface OutboxOptions {
  readonly owner: OutboxOwner;
  readonly boundary: ErrorBoundary;
  readonly commit: (progress: PartitionProgress) => Promise<void>;
  readonly commitWith: (
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
  ) => Promise<TransactionOutcome>;
  /** The partition has something to commit. */
  readonly onDue: () => void;
}

/** Limits of one transaction. */
const maxBatch = { records: 1_000, bytes: 4 * 2 ** 20 };
/** Above one of these limits, a lane waits until its staged output is stored. */
const maxStaged = { records: 2_000, bytes: 4 * 2 ** 20 };
/** Delay before an output that a broker refused is tried again, in ms. */
const holdMs = 1_000;

export class Outbox {
  readonly #options: OutboxOptions;
  #staged: Output[] = [];
  #bytes = 0;
  /** The most outputs of the next transaction: halved until the output that a broker refuses is alone. */
  #limit = maxBatch.records;
  /** Outputs and topics that were refused recently: they wait for their timer. */
  readonly #held = new Map<Output | string, NodeJS.Timeout>();
  /** A stored output did not settle its record, so that any further commit would go back behind what is stored. */
  #isBehind = false;
  /** The progress that was committed last, where it is known. */
  #committed: PartitionProgress | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Stages `output`. Returns true where its lane may go on at once, false where it must wait until the output is stored. */
  stage(output: Output): boolean {
    const { owner, onDue } = this.#options;
    const isHeld =
      this.#held.size > 0 &&
      this.#staged.some(({ lane }, index) => lane === output.lane && this.#isHeld(index));
    this.#staged.push(output);
    this.#bytes += sizeOf(output);
    owner.bytes += sizeOf(output);
    onDue();
    return !isHeld && this.#staged.length <= maxStaged.records && this.#bytes <= maxStaged.bytes;
  }

  /** Commits the progress with the staged outputs that may go now. Resolves with what Kafka has stored; rejects to be tried again. */
  async commit(): Promise<readonly PartitionProgress[]> {
    const { owner, commit, commitWith, onDue } = this.#options;
    if (this.#isBehind) return [];
    const { progress, batch } = this.#options.boundary.pass(() => this.#take());
    if (batch.length === 0) {
      const { offset, metadata } = this.#committed ?? {};
      if (offset === progress.offset && metadata === progress.metadata) return [];
      await commit(progress);
      this.#committed = progress;
      return [progress];
    }
    const outcome = await commitWith(
      progress,
      batch.map(({ record }) => record),
    );
    if (!owner.open) return [];
    if (outcome.kind === 'aborted') throw outcome.error;
    if (outcome.kind === 'refused') {
      this.#refused(batch, outcome);
      onDue();
      return [];
    }
    this.#committed = progress;
    this.#limit = Math.min(maxBatch.records, this.#limit * 2);
    this.#release(batch, outcome.storedAt);
    if (this.#staged.length > 0) onDue();
    return [progress];
  }

  /** The partition is closed: nothing of it may be stored any more. */
  drop(): void {
    for (const timer of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
    this.#staged = [];
  }

  /** Takes, in one step, a batch of outputs and the progress that settles their records, and no other staged ones. */
  #take(): { progress: PartitionProgress; batch: readonly Output[] } {
    let batch = this.#next();
    for (;;) {
      const progress = this.#options.owner.progress(new Set(batch.map(({ offset }) => offset)));
      // If the brokers now take shorter marks than before, the mark may not have room for all: the others wait.
      const { open, end } = decodeMark(progress.offset, progress.metadata);
      const stillOpen = new Set(open);
      const covered = batch.filter(
        ({ offset }) => offset < progress.offset || (offset < end && !stillOpen.has(offset)),
      );
      if (covered.length === batch.length) return { progress, batch };
      batch = covered;
    }
  }

  #next(): Output[] {
    const batch: Output[] = [];
    const waiting = new Set<unknown>();
    let bytes = 0;
    for (const [index, output] of this.#staged.entries()) {
      if (batch.length >= this.#limit || bytes >= maxBatch.bytes) break;
      if (this.#isHeld(index) || waiting.has(output.lane)) {
        waiting.add(output.lane);
        continue;
      }
      batch.push(output);
      bytes += sizeOf(output);
    }
    return batch;
  }

  #isHeld(index: number): boolean {
    const output = this.#staged[index];
    return output !== undefined && (this.#held.has(output) || this.#held.has(output.record.topic));
  }

  #refused(
    batch: readonly Output[],
    { topic, isOfOneRecord, error }: TransactionOutcome & { kind: 'refused' },
  ): void {
    const suspects = batch.filter(({ record }) => record.topic === topic);
    const [first] = suspects;
    if (first === undefined) return;
    if (isOfOneRecord && suspects.length > 1) {
      this.#limit = Math.max(1, Math.floor(batch.length / 2));
      return;
    }
    const what = isOfOneRecord ? first : topic;
    const release = this.#options.boundary.guard(() => {
      this.#held.delete(what);
      this.#options.onDue();
    });
    const timer = setTimeout(release, holdMs);
    this.#held.set(what, timer);
    first.failed(error);
  }

  #release(batch: readonly Output[], storedAt: readonly StoredAt[]): void {
    const { owner, boundary } = this.#options;
    const done = new Set(batch);
    this.#staged = this.#staged.filter((output) => !done.has(output));
    for (const [index, output] of batch.entries()) {
      const bytes = sizeOf(output);
      this.#bytes -= bytes;
      owner.bytes -= bytes;
      // It is stored already: one that fails to settle its record keeps no other from it.
      const isSettled = boundary.run(() => {
        output.stored(storedAt[index] as StoredAt);
        return true;
      });
      if (isSettled !== true) this.#isBehind = true;
    }
  }
}

function sizeOf({ record: { key, value, headers } }: Output): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += header.name.length + (header.value?.length ?? 0);
  return bytes;
}
