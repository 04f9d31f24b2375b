// What is the matter with partitions that cannot be fetched, or stored in a transaction: each by itself.
import { describeError, MillraceError } from '../../contract/errors.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { unreadableText, type UnreadableBatch } from '../../contract/skip.ts';
import { explainRefusal } from '../connection/security/security-errors.ts';
import type { UnreadablePlace } from '../fetch/fetcher.ts';

export class PartitionTroubles {
  /** By the name of the partition. */
  readonly #errors = new Map<string, MillraceError>();

  get first(): MillraceError | undefined {
    const [first] = this.#errors.values();
    return first;
  }

  set(partition: TopicPartition, error: MillraceError | undefined): void {
    if (error === undefined) this.#errors.delete(partitionName(partition));
    else this.#errors.set(partitionName(partition), error);
  }

  clear(): void {
    this.#errors.clear();
  }
}

export function unreadableBatch(
  { topic, partition }: TopicPartition,
  { offset, nextOffset, why, bytes, size }: UnreadablePlace,
): UnreadableBatch {
  const lastOffset = nextOffset === undefined ? undefined : nextOffset - 1n;
  return { topic, partition, offset, lastOffset, why, bytes, size };
}

/** `key`: of the trigger that reads it. */
export function batchUnreadable(key: string, batch: UnreadableBatch): MillraceError {
  return new MillraceError('MILLRACE_KAFKA_BATCH_UNREADABLE', unreadableText(key, batch));
}

/** `cause`: why there is no producer for its transactions. */
export function notStored(partition: TopicPartition, cause: unknown): MillraceError {
  const error = explainRefusal(cause);
  const message = `nothing of ${partitionName(partition)} is stored in transactions: ${describeError(error ?? cause)}`;
  return new MillraceError(error?.code ?? 'MILLRACE_KAFKA_FAILED', message);
}
