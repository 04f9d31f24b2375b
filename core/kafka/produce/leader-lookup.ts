// Where the partitions of topics are led, for whoever writes to them.
import type { Topology, TopicLeaders, TopicView } from '../connection/topology.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import {
  leaderMissing,
  requestFailed,
  topicMissing,
  type OffsetFailure,
} from '../offsets/offset-failures.ts';

/** Connecting included, in ms. */
const limitMs = 15_000;

export class LeaderLookup {
  readonly #topology: Topology;
  /** By topic: all who ask meanwhile share the answer. */
  readonly #asked = new Map<string, Promise<TopicView>>();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Of all partitions, at least one. Never rejects. */
  async ofTopic(topic: string): Promise<TopicLeaders | OffsetFailure> {
    try {
      const partitions = (await this.#look(topic)).leadersOf(topic);
      return 'error' in partitions || partitions.size > 0 ? partitions : topicMissing(topic);
    } catch (error) {
      return requestFailed(error);
    }
  }

  /** Never rejects. */
  async of(topic: string, partition: number): Promise<BrokerAddress | OffsetFailure> {
    const leaders = await this.ofTopic(topic);
    return 'error' in leaders ? leaders : (leaders.get(partition) ?? leaderMissing(topic, partition));
  }

  /** They are not what they were. */
  forget(topic: string): void {
    if (!this.#asked.has(topic)) this.#topology.forgetTopics([topic]);
  }

  #look(topic: string): Promise<TopicView> {
    let asked = this.#asked.get(topic);
    if (asked === undefined) {
      asked = this.#topology
        .topics(new Set([topic]), performance.now() + limitMs)
        .finally(() => this.#asked.delete(topic));
      this.#asked.set(topic, asked);
    }
    return asked;
  }
}
