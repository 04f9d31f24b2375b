// A member of a consumer group, on kafkajs, as a RecordSource: fetched batches are handed over at once and never waited
// for; before the group is joined again the owner finishes what is in flight; a client that gave up is built anew.
import type { Admin, Batch, Consumer, Kafka } from 'kafkajs';
import { MillraceError } from '../contract/errors.ts';
import type { CreateRecordSource, PartitionOffset, RecordListener, RecordSource } from '../contract/ports.ts';
import { partitionName, type TopicPartition } from '../contract/record.ts';
import type { Subscription } from '../contract/subscription.ts';
import { createGroupConsumer, type GroupConsumer } from './group-consumer.ts';
import { readStartOffsets, type StartOffset } from './start-offsets.ts';
import { toRecord } from './to-record.ts';
import { resolveTopics } from './topics.ts';
import { Turns } from './turns.ts';

export interface RecordSourceOptions {
  readonly kafka: Kafka;
  /** Connected by whoever owns it. */
  readonly admin: Admin;
}

/** Pauses before the client is built anew, in ms. */
const rebuildMs = { first: 250, longest: 5_000 };
/** A client whose brokers are away is not waited for longer than this, in ms; the group's session timeout ends it there. */
const leaveMs = 5_000;
/** While a coordinator or leader is not there yet, pauses up to this long between two tries are nobody's concern, in ms. */
const quietMs = 1_000;
const passingTypes = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
];
/** How often a topic pattern is matched against the topics that exist, in ms. */
const patternIntervalMs = 15_000;

/**
 * One assigned partition. What the group has is between `committed`, which this member knows to be taken, and `tried`: of a
 * commit that was not answered nobody can tell.
 */
interface Assigned extends TopicPartition {
  readonly name: string;
  position: bigint;
  committed: bigint;
  tried: bigint;
  paused: boolean;
}

export function createRecordSources(options: RecordSourceOptions): CreateRecordSource {
  const turns = new Turns();
  return (subscription, listener) => new GroupSource(options, subscription, listener, turns);
}

class GroupSource implements RecordSource {
  readonly #options: RecordSourceOptions;
  readonly #subscription: Subscription;
  readonly #listener: RecordListener;
  readonly #turns: Turns;
  readonly #assigned = new Map<string, Assigned>();
  readonly #abort = new AbortController();
  #member: GroupConsumer | undefined;
  #memberId: string | undefined;
  #joins = 0;
  #done: Promise<void> | undefined;

  constructor(
    options: RecordSourceOptions,
    subscription: Subscription,
    listener: RecordListener,
    turns: Turns,
  ) {
    this.#options = options;
    this.#subscription = subscription;
    this.#listener = listener;
    this.#turns = turns;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  pause(partition: TopicPartition): void {
    this.#setPaused(partition, true);
  }

  unpause(partition: TopicPartition): void {
    this.#setPaused(partition, false);
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#member === undefined) throw new Error('not a member of the group at present');
    const due = offsets.map((one) => ({
      offset: one.offset,
      assigned: this.#assigned.get(partitionName(one)),
    }));
    for (const { offset, assigned } of due)
      if (assigned !== undefined && offset > assigned.tried) assigned.tried = offset;
    await this.#member.commit(offsets);
    for (const { offset, assigned } of due) if (assigned !== undefined) assigned.committed = offset;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  #isStopping(): boolean {
    return this.#abort.signal.aborted;
  }

  async #run(): Promise<void> {
    let pauseMs = rebuildMs.first;
    while (!this.#isStopping()) {
      try {
        await this.#consume(() => (pauseMs = rebuildMs.first));
        this.#memberId = undefined;
      } catch (error) {
        if (this.#isStopping()) break;
        if (pauseMs >= quietMs || !isPassing(error)) this.#listener.state(failing(error));
        await delay(pauseMs, this.#abort.signal);
        pauseMs = Math.min(pauseMs * 2, rebuildMs.longest);
      }
    }
    for (const assigned of this.#assigned.values()) this.#listener.close(assigned);
    this.#assigned.clear();
  }

  /** One life of a client: resolves when it is to be left (stop, other topics); rejects when it failed. */
  async #consume(onJoined: () => void): Promise<void> {
    const { kafka, admin } = this.#options;
    const { source } = this.#subscription;
    this.#listener.state({ kind: 'starting', reason: 'looking up the topics' });
    const topics = await resolveTopics(admin, source);
    this.#listener.state({ kind: 'starting', reason: `joining the group ${source.consumerGroup}` });
    const left = new AbortController();
    const member = createGroupConsumer({
      kafka,
      groupId: source.consumerGroup,
      memberId: this.#memberId,
      owned: () => [...this.#assigned.values()],
      beforeJoin: () => this.#beforeJoin(),
      onJoined: (partitions, consumer, memberId) => {
        onJoined();
        this.#memberId = memberId;
        void this.#joined(partitions, consumer);
      },
      turns: this.#turns,
      onBatch: (batch, consumer) => this.#hand(batch, consumer),
      onMarkersOnly: (partition, nextOffset, consumer) => this.#skip(partition, nextOffset, consumer),
    });
    try {
      this.#member = member;
      await member.start(topics);
      await Promise.race([
        member.crashed,
        this.#whenToLeave(topics, AbortSignal.any([left.signal, this.#abort.signal])),
      ]);
    } finally {
      left.abort();
      await this.#listener.quiesce();
      this.#joins += 1;
      this.#member = undefined;
      const gone = new AbortController();
      await Promise.race([member.stop().catch(() => undefined), delay(leaveMs, gone.signal)]);
      gone.abort();
    }
  }

  /** Resolves at a stop, or when a pattern means other topics. */
  async #whenToLeave(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { topicPattern } = this.#subscription.source;
    for (;;) {
      await delay(topicPattern === undefined ? undefined : patternIntervalMs, signal);
      if (signal.aborted) return;
      const now = await resolveTopics(this.#options.admin, this.#subscription.source).catch(() => topics);
      if (now.join() !== topics.join()) return;
    }
  }

  async #beforeJoin(): Promise<void> {
    this.#joins += 1;
    if (this.#assigned.size > 0) await this.#listener.quiesce();
  }

  /** Called in the instant of the join, before the first fetch: nothing flows until the offsets are known. */
  async #joined(partitions: readonly TopicPartition[], consumer: Consumer): Promise<void> {
    this.#joins += 1;
    const join = this.#joins;
    setFetching(consumer, partitions, false);
    const names = new Set(partitions.map(partitionName));
    for (const [name, assigned] of this.#assigned) {
      if (!names.has(name)) this.#close(assigned);
    }
    let pauseMs = 50;
    for (;;) {
      try {
        // Ours may go on being committed while the offsets are read.
        const known = new Map([...this.#assigned].map(([name, { committed }]) => [name, committed]));
        const offsets = await this.#establish(partitions);
        if (join !== this.#joins) return;
        this.#open(offsets, known, consumer);
        return;
      } catch (error) {
        if (join !== this.#joins) return;
        if (pauseMs >= quietMs || !isPassing(error)) this.#listener.state(failing(error));
        await delay(pauseMs, this.#abort.signal);
        if (join !== this.#joins || this.#isStopping()) return;
        pauseMs = Math.min(pauseMs * 2, rebuildMs.longest);
      }
    }
  }

  /** Reads where each partition stands, and commits the initial offset of those that the group has none for. */
  async #establish(partitions: readonly TopicPartition[]): Promise<StartOffset[]> {
    const { consumerGroup, initialOffset } = this.#subscription.source;
    if (partitions.length === 0) return [];
    const offsets = await readStartOffsets(this.#options.admin, consumerGroup, partitions, initialOffset);
    const initial = offsets.filter(({ committed }) => !committed);
    if (initial.length > 0) await this.commit(initial);
    return offsets;
  }

  /** `known` is what was known to be committed before `offsets` were read. */
  #open(offsets: readonly StartOffset[], known: ReadonlyMap<string, bigint>, consumer: Consumer): void {
    for (const { topic, partition, offset } of offsets) {
      const name = partitionName({ topic, partition });
      let assigned = this.#assigned.get(name);
      // Somebody else committed meanwhile, so somebody else worked here: what we knew is stale.
      if (assigned !== undefined && (offset < (known.get(name) ?? 0n) || offset > assigned.tried)) {
        this.#close(assigned);
        assigned = undefined;
      }
      if (assigned === undefined) {
        assigned = {
          topic,
          partition,
          name,
          position: offset,
          committed: offset,
          tried: offset,
          paused: false,
        };
        this.#assigned.set(name, assigned);
        this.#listener.open(assigned, offset);
      }
      consumer.seek({ topic, partition, offset: String(assigned.position) });
      if (!assigned.paused) setFetching(consumer, [assigned], true);
    }
    this.#listener.state({ kind: 'consuming', partitions: [...this.#assigned.values()] });
    this.#listener.resume();
  }

  #close(assigned: Assigned): void {
    this.#assigned.delete(assigned.name);
    this.#listener.close(assigned);
  }

  #hand(batch: Batch, consumer: Consumer): void {
    const assigned = this.#current(batch, consumer);
    if (assigned === undefined) return;
    const records = batch.messages.map((message) => toRecord(batch.topic, batch.partition, message));
    assigned.position = BigInt(batch.lastOffset()) + 1n;
    this.#listener.records(assigned, records, assigned.position);
  }

  #skip(partition: TopicPartition, nextOffset: bigint, consumer: Consumer): void {
    const assigned = this.#current(partition, consumer);
    if (assigned === undefined || nextOffset <= assigned.position) return;
    assigned.position = nextOffset;
    this.#listener.records(assigned, [], nextOffset);
  }

  #current(partition: TopicPartition, consumer: Consumer): Assigned | undefined {
    return consumer === this.#member?.consumer ? this.#assigned.get(partitionName(partition)) : undefined;
  }

  #setPaused(partition: TopicPartition, paused: boolean): void {
    const assigned = this.#assigned.get(partitionName(partition));
    if (assigned === undefined || assigned.paused === paused) return;
    assigned.paused = paused;
    if (this.#member !== undefined) setFetching(this.#member.consumer, [assigned], !paused);
  }
}

function setFetching(consumer: Consumer, partitions: readonly TopicPartition[], fetching: boolean): void {
  const list = partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
  if (fetching) consumer.resume(list);
  else consumer.pause(list);
}

/** A coordinator or leader that has just started, or moved, is not there for a moment: on a new cluster, that is how it begins. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && passingTypes.includes(String(error.type))) || isPassing(error.cause);
}

function failing(error: unknown): { kind: 'failing'; reason: string; error: Error } {
  if (error instanceof MillraceError) return { kind: 'failing', reason: error.message, error };
  const cause = error instanceof Error ? error : new Error(String(error));
  const isAway = /Connection|BrokerNotFound|NoBroker|Closed|ECONNREFUSED/.test(
    `${cause.name} ${cause.message}`,
  );
  const known = isAway
    ? new MillraceError('MILLRACE_KAFKA_UNREACHABLE', 'no connection to Kafka', { cause })
    : new MillraceError('MILLRACE_KAFKA_FAILED', 'the Kafka client failed', { cause });
  return { kind: 'failing', reason: `${known.message}: ${cause.message}`, error: known };
}

/** Resolves after `ms`, or at the abort; with undefined, at the abort only. */
function delay(ms: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = ms === undefined ? undefined : setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
