// The second topic of a trigger, in seeds where a part of it gets into trouble. Each broker has one partition of it, which no other broker
// has. It has an oracle of its own, and a new one when the topic is made again: then another log is evidence.
import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName, withAdmin } from '../../fixtures/kafka/kafka.ts';
import { createOracle, type Oracle, type OracleOptions } from '../../fixtures/oracle/oracle.ts';
import type { Witness } from '../../fixtures/oracle/oracle-function.ts';
import type { Receipt } from '../../fixtures/oracle/oracle-evidence.ts';
import { until } from '../../scaler/fixtures/until.ts';
import type { Teardown } from './scope.ts';

const pauseMs = 50;

export class SecondTopic {
  readonly topic = uniqueName('second');
  readonly #t: Teardown;
  readonly #options: OracleOptions;
  readonly #brokerIds: readonly number[];
  /** The last is of the topic as it is now. */
  readonly #oracles: Oracle[] = [];
  /** Partitions that get no records. */
  readonly #left = new Set<number>();
  #made = 0;
  #isOver = true;
  #failure: Error | undefined;
  #load: Promise<void> = Promise.resolve();

  constructor(t: Teardown, options: Omit<OracleOptions, 'topic'>, brokerIds: readonly number[]) {
    this.#t = t;
    this.#options = { ...options, topic: this.topic };
    this.#brokerIds = brokerIds;
  }

  get oracle(): Oracle {
    return this.#oracles.at(-1)!;
  }

  /** Those that can go on without this broker. */
  partitionsWithout(brokerId: number): Set<number> {
    return new Set(
      [...this.#brokerIds.keys()].filter((partition) => this.#brokerIds[partition] !== brokerId),
    );
  }

  async create(): Promise<void> {
    const replicaAssignment = this.#brokerIds.map((id, partition) => ({ partition, replicas: [id] }));
    const configEntries = [{ name: 'min.insync.replicas', value: '1' }];
    const { bootstrapServers } = this.#options;
    await until(async () => {
      await withAdmin(bootstrapServers, (admin) =>
        admin.createTopics({
          topics: [{ topic: this.topic, replicaAssignment, configEntries }],
          waitForLeaders: false,
        }),
      );
      return true;
    }, 60_000);
    this.#oracles.push(createOracle(this.#t, this.#options));
  }

  async remove(): Promise<void> {
    const { bootstrapServers } = this.#options;
    await withAdmin(bootstrapServers, (admin) => admin.deleteTopics({ topics: [this.topic] }));
    await this.oracle.close();
  }

  /** Stores a record a partition again and again. */
  startLoad(): void {
    this.#isOver = false;
    this.#load = this.#produce();
    this.#load.catch((error: unknown) => (this.#failure = new Error('the load failed', { cause: error })));
  }

  /** Resolves when Kafka has acknowledged the last record. */
  endLoad(): Promise<void> {
    this.#isOver = true;
    return this.#load;
  }

  /** Resolves when no record is on its way to the partitions of this broker. They get records again after `include`. */
  async leaveOut(brokerId: number): Promise<void> {
    const others = this.partitionsWithout(brokerId);
    for (const partition of this.#brokerIds.keys()) if (!others.has(partition)) this.#left.add(partition);
    await this.endLoad();
    this.startLoad();
  }

  include(): void {
    this.#left.clear();
  }

  async untilDelivered(count: number, limitMs: number): Promise<void> {
    const wanted = this.oracle.delivered + count;
    await until(async () => this.#failure !== undefined || this.oracle.delivered >= wanted, limitMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The oracle of the topic as it was when the record was stored. */
  oracleOf(id: string | undefined): Oracle {
    return this.#oracles[Number(id?.split('-')[1]) - 1] ?? this.oracle;
  }

  async #produce(): Promise<void> {
    while (!this.#isOver) {
      const partitions = [...this.#brokerIds.keys()].filter((partition) => !this.#left.has(partition));
      const messages = partitions.map((partition) => {
        this.#made += 1;
        const value = JSON.stringify({ id: `r${this.#made}-${this.#oracles.length}`, pad: 'x'.repeat(80) });
        return { partition, key: `k${this.#made % 10}`, value };
      });
      await this.oracle.send(messages);
      await delay(pauseMs);
    }
  }
}

/** Each oracle hears of the records of its topic. The numbers of requests are those of the first. */
export function witnessOf(first: Oracle, second: SecondTopic | undefined): Witness {
  const oracleOf = ({ topic, id }: Pick<Receipt, 'topic' | 'id'>): Oracle =>
    second !== undefined && topic === second.topic ? second.oracleOf(id) : first;
  return {
    nextRequest: () => first.nextRequest(),
    received: (record, request, receivedMs) => oracleOf(record).received(record, request, receivedMs),
    accepted: (receipt, acceptedMs) => oracleOf(receipt).accepted(receipt, acceptedMs),
  };
}
