// The port through which partitions are fetched: for all triggers of a login, in few requests.
import type { MillraceError } from '../../contract/errors.ts';
import type { KafkaRecord, TopicPartition } from '../../contract/record.ts';

/** What one fetch found in a partition. Without records where nothing is to be read there: transaction markers, compaction. */
export interface FetchedRecords extends TopicPartition {
  /** Where it was asked for. */
  readonly fetchedOffset: bigint;
  readonly records: KafkaRecord[];
  /** Past the last batch, control records and compacted ones included. */
  readonly nextOffset: bigint;
  /** Of the last batch; undefined where that is not known. For the commit of `nextOffset`, and for a `seek` to it. */
  readonly leaderEpoch: number | undefined;
}

export interface FetchListener {
  /** As `RecordListener.room`. */
  room?(): number;
  /** False where this is not what is to come next: it counts as not fetched, and comes again after a while unless there is a `seek`. */
  fetched(found: FetchedRecords): boolean;
  /**
   * The broker has nothing at the position, or another topic has come by the name; nothing is fetched here until a `seek`. `divergedAt`: brokers
   * have lost the end of the log and written another one, from there on (KIP-320).
   */
  outOfRange(divergedAt?: bigint): void;
  /**
   * Why nothing can be fetched here at present, once per cause and `seek`; undefined when something can again. `unreadable`: the batch that is the cause,
   * which a `seek` can pass.
   */
  trouble(error: MillraceError | undefined, unreadable?: UnreadablePlace): void;
}

export interface UnreadablePlace {
  readonly offset: bigint;
  /** Past the batch, if it tells. */
  readonly nextOffset: bigint | undefined;
  /** What is wrong with it. */
  readonly why: string;
  /** The first bytes of the batch, as many as are kept; whose they are. */
  readonly bytes: Buffer;
  /** How many bytes it has. */
  readonly size: number;
}

/** A partition that is fetched for somebody. It begins paused, and without a position. */
export interface PartitionFetch {
  /** When a fetch was last answered with nothing, in ms of `performance.now()`. */
  readonly answeredMs: number | undefined;
  /**
   * From `offset` on. What was asked for before is not handed over any more. `leaderEpoch`: of the record before, where it is known: the broker
   * then tells whether its log is still the same there.
   */
  seek(offset: bigint, leaderEpoch?: number): void;
  /** Nothing comes any more until `resume`, from where it stopped. */
  pause(): void;
  resume(): void;
  /** Nothing is handed over any more. */
  close(): void;
}

export interface Fetcher {
  open(partition: TopicPartition, listener: FetchListener): PartitionFetch;
  close(): Promise<void>;
}
