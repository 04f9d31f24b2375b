// Finds the brokers of partitions: one look at the metadata for all that ask in the same turn.
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import type { Topology, TopicView } from '../connection/topology.ts';
import { requestFailed } from '../offsets/offset-failures.ts';
import { forbidden } from './hand-over.ts';
import type { FetchPlace, PartitionCursor } from './partition-cursor.ts';

export interface LeaderSearchOptions {
  readonly topology: Topology;
  readonly placeOf: (broker: BrokerAddress) => FetchPlace;
}

/** What a look may take, in ms. */
const lookMs = 10_000;

export class LeaderSearch {
  readonly #options: LeaderSearchOptions;
  #asking: PartitionCursor[] = [];

  constructor(options: LeaderSearchOptions) {
    this.#options = options;
  }

  /** The cursor is told, sooner or later. */
  find(cursor: PartitionCursor): void {
    if (this.#asking.length === 0) setImmediate(() => void this.#look());
    this.#asking.push(cursor);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const cursors = this.#asking;
    this.#asking = [];
    const { topology } = this.#options;
    const stale = cursors.filter(({ isFailing }) => isFailing);
    if (stale.length > 0) topology.forgetTopics(new Set(stale.map(({ topic }) => topic)));
    try {
      const view = await topology.topics(
        new Set(cursors.map(({ topic }) => topic)),
        performance.now() + lookMs,
      );
      for (const cursor of cursors) this.#place(cursor, view);
    } catch (error) {
      const failure = requestFailed(error).error;
      for (const cursor of cursors) cursor.failed(failure);
    }
  }

  #place(cursor: PartitionCursor, view: TopicView): void {
    const { topic, partition, nearer } = cursor;
    const leader = view.leaderOf(topic, partition);
    if ('error' in leader) {
      const isForbidden = leader.error.code === 'MILLRACE_KAFKA_FORBIDDEN';
      cursor.failed(leader.error, isForbidden ? forbidden : undefined);
      return;
    }
    const topicId = view.idOf(topic);
    // Another topic by the same name: its offsets are not those of the one before.
    if (cursor.topicId !== undefined && topicId !== undefined && topicId !== cursor.topicId)
      cursor.outOfRange();
    const replica = nearer === undefined ? undefined : view.brokerOf(nearer.nodeId);
    cursor.located({
      place: this.#options.placeOf(replica ?? leader),
      topicId,
      leaderEpoch: view.leaderEpochOf(topic, partition) ?? -1,
      isNearer: replica !== undefined,
    });
  }
}
