// Commits the progress of a trigger's partitions: all in one commit, or, where replies are transactional, each partition by itself
// together with the records in its outbox.
import type { ErrorBoundary } from '../../core/contract/error-boundary.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { RecordSource } from '../../core/contract/record-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { Committer, type CommitterOptions } from '../settlement/committer.ts';
import type { PendingRecord } from './pending-record.ts';
import { Outbox } from '../settlement/outbox.ts';
import type { OpenPartition } from './open-partition.ts';

/** At most one commit per interval, in ms. After a crash, what was settled since the last commit is sent again. */
const intervalMs = 100;

type Partition = OpenPartition<PendingRecord>;

export interface Commits {
  open(partition: Partition): void;
  /** `partition` has something new to commit. */
  mark(partition: Partition): void;
  /** Commits now what is due; resolves when Kafka has stored it, or has refused it once. */
  flush(): Promise<void>;
  /** Commits what is due of `partitions`; retries until Kafka has stored it or `limitMs` are over. */
  finish(partitions: readonly Partition[], limitMs: number): Promise<void>;
  close(partition: Partition): void;
  stop(): void;
}

export interface CommitsOptions {
  readonly subscription: Subscription;
  readonly source: () => RecordSource;
  readonly events: GatewayEmitter;
  readonly boundary: ErrorBoundary;
}

export function createCommits(options: CommitsOptions): Commits {
  return options.subscription.reply?.transactional === true
    ? new TransactionalCommits(options)
    : createPlainCommits(options);
}

function createPlainCommits(options: CommitsOptions): Commits {
  const committer = createCommitter(options, async (due) => {
    const progress = options.boundary.pass(() => due.map((partition) => partition.progress()));
    await options.source().commit(progress);
    return progress;
  });
  return {
    open: () => undefined,
    mark: (partition) => committer.mark(partition),
    flush: () => committer.flush(),
    finish: (partitions, limitMs) => committer.finish(partitions, limitMs),
    close: () => undefined,
    stop: () => committer.stop(),
  };
}

/** One committer per partition, so that a slow transaction delays only its own partition. */
class TransactionalCommits implements Commits {
  readonly #options: CommitsOptions;
  readonly #committers = new Map<Partition, Committer<Partition>>();

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  open(partition: Partition): void {
    const { source, boundary } = this.#options;
    const outbox = new Outbox({
      owner: partition,
      boundary,
      commit: (progress) => source().commit([progress]),
      commitWith: (progress, records) => source().commitWith(progress, records),
      onDue: () => this.mark(partition),
    });
    partition.outbox = outbox;
    this.#committers.set(
      partition,
      createCommitter(this.#options, () => outbox.commit()),
    );
  }

  mark(partition: Partition): void {
    this.#committers.get(partition)?.mark(partition);
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#committers.values()].map((committer) => committer.flush()));
  }

  async finish(partitions: readonly Partition[], limitMs: number): Promise<void> {
    await Promise.all(partitions.map(async (one) => this.#committers.get(one)?.finish([one], limitMs)));
  }

  close(partition: Partition): void {
    this.#committers.get(partition)?.stop();
    this.#committers.delete(partition);
    partition.outbox?.drop();
  }

  stop(): void {
    for (const committer of this.#committers.values()) committer.stop();
  }
}

function createCommitter(
  { subscription, events, boundary }: CommitsOptions,
  commit: CommitterOptions<Partition>['commit'],
): Committer<Partition> {
  return new Committer({
    commit,
    boundary,
    intervalMs,
    onCommitted: (progress) => {
      if (progress.length > 0) events.emit('committed', subscription, progress);
    },
    onFailed: (error) => void events.emit('commitFailed', subscription, error),
  });
}
