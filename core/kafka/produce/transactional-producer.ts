// A transactional producer, from InitProducerId to its first failure: after that it is not known what the brokers have of it, and the next one,
// by the same name, fences it and ends what it left behind (EOS by transactional id, KIP-98).
import type { OutgoingRecord, StoredAt } from '../../contract/record-sink.ts';
import type { PartitionProgress, TransactionOutcome } from '../../contract/record-source.ts';
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import { addressText } from '../connection/broker-address.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import type { MemberIdentity } from '../group/membership.ts';
import { AnswerFailure } from './answer-failure.ts';
import { isOfOneRecord, meaningOf } from './answer-meaning.ts';
import { askCoordinator, type Coordinator } from './coordinator-requests.ts';
import { encodeRecords, sequenceAfter } from './outgoing.ts';
import { initProducerIdRequest, produceRequest, type PartitionBatch } from './produce-requests.ts';
import { LeaderLookup } from './leader-lookup.ts';
import { batchRecords, type BatchedRecords, type PartitionBatches } from './transaction-batches.ts';
import {
  addOffsetsRequest,
  addPartitionsRequest,
  commitOffsetRequest,
  endRequest,
  type TransactionOwner,
} from './transaction-requests.ts';
import { within } from '../connection/within.ts';
import { explainWrite } from './write-refusal.ts';

/** `unknown`: it was to be committed, and nobody answered; `storedAt` where it was. */
export type TransactionEnd =
  | TransactionOutcome
  | { readonly kind: 'unknown'; readonly storedAt: readonly StoredAt[]; readonly error: Error };

export interface TransactionalProducer {
  /** True after anything but a `committed`: it cannot be used any more. */
  readonly isSpent: boolean;
  /** One at a time. `member`: who commits to the group; the group refuses it where that is not its member any more. Never rejects. */
  run(
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
    member: MemberIdentity | undefined,
  ): Promise<TransactionEnd>;
  /** What is under way is not committed any more, unless that was asked for already. */
  close(): void;
}

export interface TransactionalProducerOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly groupId: string;
  readonly transactionalId: string;
}

/**
 * How long a transaction may lie open, in ms: after a crash, readers of committed records wait for it no longer than this,
 * and less where somebody takes the partition over.
 */
const transactionTimeoutMs = 15_000;
/** How long a coordinator is asked, in ms: for a producer, while it ends what the last one left; to begin, while it ends the last transaction; for the rest. */
const limitMs = { open: 10_000, begin: 5_000, step: 10_000 };
/** How long an abort is waited for, in ms: the next producer, or the timeout, does the rest. */
const farewellMs = 1_000;

/** Resolves when every earlier producer by this name is fenced, and what it left open is ended. */
export async function openTransactionalProducer(
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const { transactionalId } = options;
  const request = initProducerIdRequest(transactionalId, transactionTimeoutMs);
  const { id, epoch } = await askCoordinator(coordinatorOf(options, 'transactional id'), request, {
    codeOf: ({ errorCode }) => errorCode,
    what: `use the transactional id ${transactionalId}`,
    limitMs: limitMs.open,
  });
  return new OneProducer(options, { transactionalId, id, epoch });
}

class OneProducer implements TransactionalProducer {
  isSpent = false;
  readonly #options: TransactionalProducerOptions;
  readonly #owner: TransactionOwner;
  readonly #leaders: LeaderLookup;
  /** A broker may still store what it was sent. */
  #isLingering = false;
  /** By name of the partition. */
  readonly #sequences = new Map<string, number>();

  constructor(options: TransactionalProducerOptions, owner: TransactionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#leaders = new LeaderLookup(options.topology);
  }

  async run(
    progress: PartitionProgress,
    records: readonly OutgoingRecord[],
    member: MemberIdentity | undefined,
  ): Promise<TransactionEnd> {
    // Before anything is begun, so that nothing has to be ended where a topic is missing.
    const batched = await batchRecords(this.#leaders, records);
    if (batched.kind === 'refused') return refusedTopic(batched);
    const storedAt: StoredAt[] = [];
    try {
      await this.#begin(progress, batched.partitions, member);
      await this.#store(batched.partitions, storedAt);
      if (this.isSpent) throw new Error('the partition is closed');
    } catch (error) {
      this.isSpent = true;
      // What may still be on its way to a broker must not arrive after the end: the next producer fences it, and ends the transaction.
      if (!this.#isLingering) await within(farewellMs, this.#end(false));
      return endOf(error);
    }
    try {
      await this.#end(true);
      return { kind: 'committed', storedAt };
    } catch (error) {
      this.isSpent = true;
      return { kind: 'unknown', storedAt, error: asError(error) };
    }
  }

  close(): void {
    this.isSpent = true;
  }

  /** The offset is pending before any record is stored: whoever is fenced stores nothing. */
  async #begin(
    progress: PartitionProgress,
    partitions: readonly TopicPartition[],
    member: MemberIdentity | undefined,
  ): Promise<void> {
    const { groupId } = this.#options;
    const coordinator = coordinatorOf(this.#options, 'transactional id');
    await askCoordinator(coordinator, addOffsetsRequest(this.#owner, groupId), {
      codeOf: (code) => code,
      what: `begin a transaction of group ${groupId}`,
      limitMs: limitMs.begin,
    });
    const commit = commitOffsetRequest(this.#owner, groupId, member, progress);
    const done = await Promise.allSettled([
      askCoordinator(coordinatorOf(this.#options, 'group'), commit, {
        codeOf: firstCode,
        what: `commit offsets of group ${groupId}`,
        limitMs: limitMs.step,
      }),
      this.#addPartitions(coordinator, partitions),
    ]);
    for (const one of done) if (one.status === 'rejected') throw one.reason;
  }

  async #addPartitions(coordinator: Coordinator, partitions: readonly TopicPartition[]): Promise<void> {
    let topic = '';
    try {
      await askCoordinator(coordinator, addPartitionsRequest(this.#owner, partitions), {
        codeOf(answer) {
          // The others were not attempted because of this one.
          const guilty = answer.find(
            ({ errorCode }) => errorCode !== 0 && errorCode !== operationNotAttempted,
          );
          topic = guilty?.topic ?? '';
          return guilty?.errorCode ?? firstCode(answer);
        },
        what: 'write to a topic in a transaction',
        limitMs: limitMs.step,
      });
    } catch (error) {
      throw topic === '' ? error : new TopicFailure(topic, error);
    }
  }

  /** Of each partition one batch at a time; those of one broker in one request. */
  async #store(partitions: readonly PartitionBatches[], storedAt: StoredAt[]): Promise<void> {
    for (let round = 0; ; round += 1) {
      const due = partitions.filter(({ batches }) => round < batches.length);
      if (due.length === 0) return;
      if (this.isSpent) throw new Error('the partition is closed');
      const led = await Promise.all(due.map((one) => this.#led(one)));
      const byLeader = [...Map.groupBy(led, ({ leader }) => addressText(leader)).values()];
      const sent = byLeader.map((ofLeader) => this.#send(ofLeader, round, storedAt));
      for (const one of await Promise.allSettled(sent)) if (one.status === 'rejected') throw one.reason;
    }
  }

  async #led(partition: PartitionBatches): Promise<LedPartition> {
    const leader = await this.#leaders.of(partition.topic, partition.partition);
    if ('error' in leader) throw new TopicFailure(partition.topic, leader.error);
    return { partition, leader };
  }

  async #send(led: readonly LedPartition[], round: number, storedAt: StoredAt[]): Promise<void> {
    const [first] = led;
    if (first === undefined) return;
    const batches = led.map(({ partition }) => this.#encode(partition, round));
    const request = produceRequest(batches, this.#owner.transactionalId);
    const answer = await this.#options.connections
      .sendTo(first.leader, request, Infinity)
      .catch((error: unknown) => {
        this.#isLingering = true;
        for (const { partition } of led) this.#leaders.forget(partition.topic);
        throw error;
      });
    const meanings = new Map(answer.partitions.map((one) => [partitionName(one), meaningOf(one)]));
    for (const { partition } of led) {
      const { topic, name } = partition;
      const meaning = meanings.get(name);
      if (meaning?.kind !== 'stored') {
        this.#leaders.forget(topic);
        throw new TopicFailure(
          topic,
          meaning?.failure ?? new Error('the broker does not say whether it has a record'),
        );
      }
      const placed = partition.batches[round] ?? [];
      this.#sequences.set(name, sequenceAfter(this.#sequences.get(name) ?? 0, placed.length));
      for (const [at, { index }] of placed.entries())
        storedAt[index] = { topic, partition: partition.partition, offset: meaning.baseOffset + BigInt(at) };
    }
  }

  #encode({ topic, partition, name, batches }: PartitionBatches, round: number): PartitionBatch {
    const records = (batches[round] ?? []).map(({ record }) => record);
    const baseSequence = this.#sequences.get(name) ?? 0;
    const origin = { producer: this.#owner, baseSequence, isTransactional: true };
    return { topic, partition, bytes: encodeRecords(records, origin) };
  }

  async #end(isCommit: boolean): Promise<void> {
    const coordinator = coordinatorOf(this.#options, 'transactional id');
    await askCoordinator(coordinator, endRequest(this.#owner, isCommit), {
      codeOf: (code) => code,
      what: 'end a transaction',
      limitMs: limitMs.step,
    });
  }
}

interface LedPartition {
  readonly partition: PartitionBatches;
  readonly leader: BrokerAddress;
}

const operationNotAttempted = 55;

function firstCode(answer: readonly { readonly errorCode: number }[]): number {
  return answer.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0;
}

function coordinatorOf(
  { connections, topology, groupId, transactionalId }: TransactionalProducerOptions,
  kind: Coordinator['kind'],
): Coordinator {
  return { connections, topology, kind, name: kind === 'group' ? groupId : transactionalId };
}

/** What failed because of what was to be written to a topic. */
class TopicFailure extends Error {
  readonly topic: string;

  constructor(topic: string, cause: unknown) {
    super(`nothing is written to ${topic}`, { cause });
    this.topic = topic;
  }
}

/** What a broker says because of the topic. */
const refusals = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'POLICY_VIOLATION',
];

function endOf(thrown: unknown): TransactionOutcome {
  if (!(thrown instanceof TopicFailure)) return { kind: 'aborted', error: asError(thrown) };
  const { topic, cause } = thrown;
  const error = asError(cause);
  if (!(error instanceof AnswerFailure)) return { kind: 'aborted', error };
  if (isOfOneRecord(error)) return { kind: 'refused', topic, isOfOneRecord: true, error };
  if (!refusals.includes(error.type)) return { kind: 'aborted', error };
  return { kind: 'refused', topic, isOfOneRecord: false, error: explainWrite(error, topic) };
}

/** A topic that is missing, forbidden or without leaders keeps no other from being written to. */
function refusedTopic({ topic, failure }: Extract<BatchedRecords, { kind: 'refused' }>): TransactionOutcome {
  const error = explainWrite(failure.error, topic);
  if (failure.error.code === 'MILLRACE_KAFKA_UNREACHABLE') return { kind: 'aborted', error };
  return { kind: 'refused', topic, isOfOneRecord: false, error };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
