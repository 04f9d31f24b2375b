// Reads where topics begin and end and what groups have committed, for many groups in few requests.
// Reconnects by itself; a topic that vanished or a group that fails is told for its own queries only.
import type { MillraceError } from '../../contract/errors.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import type { KafkaAccess } from '../../contract/kafka-access.ts';
import type { TopicPartition } from '../../contract/record.ts';
import { createKafka, type ClientLog, type ConnectionSettings } from '../connection/kafka-client.ts';
import { createOffsetConnections, type OffsetConnections } from '../connection/broker-connections.ts';
import { append, fetchCommitted, fetchTopics, listOffsets, partitionKey } from './offset-exchange.ts';
import type { CommittedByGroup, LedPartition, PartitionKey, TopicsByGroup } from './offset-exchange.ts';
import { requestFailed, type OffsetFailure } from './offset-failures.ts';
import { logEndTimestamp, logStartTimestamp } from '../connection/wire-requests.ts';
import { createTopology, type Topology, type TopicRight, type TopicView } from '../connection/topology.ts';
import { topicsForbidden } from '../connection/security-errors.ts';

/** The offsets that one consumer group has to do with. */
export interface OffsetsQuery {
  /** For whoever reads of several clusters: the cluster, where it is not the own one. */
  readonly access?: KafkaAccess | undefined;
  readonly group: string;
  readonly topics: readonly string[];
  /** A `topicPattern` of a trigger; internal topics never match. */
  readonly topicPattern?: string | undefined;
  /** Besides, all topics that the group has committed offsets in. */
  readonly committedTopics?: boolean | undefined;
  /** Failed, with MILLRACE_KAFKA_FORBIDDEN, where Kafka says that our user lacks this right to one of the topics. */
  readonly right?: TopicRight | undefined;
  /** Where partitions without a committed offset begin, by time; looked up for those only. */
  readonly startTimestampMs?: number | undefined;
}

export interface PartitionOffsets extends TopicPartition {
  /** The oldest offset that is still there. */
  readonly logStart: bigint;
  /** The last stable offset: one past the last record that may be delivered. */
  readonly end: bigint;
  /**
   * Absent where the group has committed nothing. `metadata` is what the committer stored beside the offset.
   */
  readonly committed?: { readonly offset: bigint; readonly metadata: string } | undefined;
  /**
   * The first offset at or after `startTimestampMs`; present where that was asked for and nothing is
   * committed.
   */
  readonly atStartTimestamp?: bigint | undefined;
}

export type OffsetsResult =
  | { readonly kind: 'read'; readonly partitions: readonly PartitionOffsets[] }
  | { readonly kind: 'failed'; readonly error: MillraceError };

export interface OffsetsReader {
  /**
   * One result per query, in their order, within the timeout. Rejects with MILLRACE_KAFKA_UNREACHABLE where
   * no broker answers at all, MILLRACE_KAFKA_FAILED where the brokers are older than Kafka 3.0; without
   * queries it proves just that.
   */
  read(queries: readonly OffsetsQuery[]): Promise<OffsetsResult[]>;
  /** Ends what is in flight; idempotent. */
  close(): Promise<void>;
}

export interface OffsetsReaderOptions {
  readonly connection: ConnectionSettings;
  readonly log?: ClientLog | undefined;
  /** Milliseconds that a read may take in all; 5,000 when absent. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that a broker has to answer one request; 2,000 when absent. */
  readonly requestTimeoutMs?: number | undefined;
  /** Milliseconds after which new partitions and topics are noticed; 5,000 when absent. */
  readonly metadataMaxAgeMs?: number | undefined;
  /** Told the name of every request that is sent. Must not throw. */
  readonly onRequest?: ((apiName: string) => void) | undefined;
}

const attempts = 3;
const delayMs = 150;

export function createOffsetsReader(options: OffsetsReaderOptions): OffsetsReader {
  const connections = createOffsetConnections({
    kafka: createKafka(options.connection, options.log),
    seeds: options.connection.brokers.length,
    requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
    onRequest: options.onRequest,
  });
  const { metadataMaxAgeMs = 5_000 } = options;
  const topology = createTopology({ connections, metadataMaxAgeMs, asksRights: true });
  return {
    read: (queries) => readOffsets(connections, topology, queries, options.timeoutMs ?? 5_000),
    close: () => connections.close(),
  };
}

/** `read` of `OffsetsReader`, by connections of the caller's; what passes is tried again. */
export async function readOffsets(
  connections: OffsetConnections,
  topology: Topology,
  queries: readonly OffsetsQuery[],
  timeoutMs: number,
): Promise<OffsetsResult[]> {
  const deadlineMs = performance.now() + timeoutMs;
  const results: (PartitionOffsets[] | OffsetFailure)[] = [];
  let open = [...queries.keys()];
  for (let attempt = 1; ; attempt++) {
    const asked = open.flatMap((index) => queries[index] ?? []);
    const answers = await readOnce(connections, topology, asked, deadlineMs);
    for (const [at, index] of open.entries()) results[index] = answers[at] ?? [];
    open = open.filter((index) => isPassing(results[index]));
    if (open.length === 0 || attempt === attempts || performance.now() + delayMs >= deadlineMs) break;
    topology.forgetTopics();
    for (const index of open) topology.forgetCoordinator(queries[index]?.group ?? '');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  // What failed in the end starts from fresh metadata next time.
  if (open.length > 0) topology.forgetTopics();
  for (const index of open) topology.forgetCoordinator(queries[index]?.group ?? '');
  return results.map((result) =>
    Array.isArray(result) ? { kind: 'read', partitions: result } : { kind: 'failed', error: result.error },
  );
}

function isPassing(result: PartitionOffsets[] | OffsetFailure | undefined): boolean {
  return result !== undefined && 'passing' in result && result.passing;
}

interface Plan {
  readonly query: OffsetsQuery;
  readonly partitions: readonly LedPartition[];
}

async function readOnce(
  connections: OffsetConnections,
  topology: Topology,
  queries: readonly OffsetsQuery[],
  deadlineMs: number,
): Promise<(PartitionOffsets[] | OffsetFailure)[]> {
  const all = queries.some(({ topicPattern }) => topicPattern !== undefined);
  const asking = queries.filter(({ committedTopics }) => committedTopics);
  const groupTopics = await fetchTopics(connections, topology, asking, deadlineMs);
  const named = new Set(queries.flatMap(({ topics }) => topics));
  for (const topics of groupTopics.values())
    if (!('error' in topics)) for (const topic of topics) named.add(topic);
  const view = await topology.topics(all ? undefined : named, deadlineMs);
  const plans = queries.map((query) => planOf(query, view, groupTopics));

  const partitions = new Map<PartitionKey, LedPartition>();
  const groups = new Map<string, Map<string, Set<number>>>();
  for (const plan of plans) if (!('error' in plan)) addTo(plan, partitions, groups);
  // The ends last: what is committed, and the mark beside it, is never ahead of them.
  const committed = await fetchCommitted(connections, topology, groups, deadlineMs);
  const [ends, starts] = await Promise.all([
    listOffsets(connections, partitions.values(), logEndTimestamp, deadlineMs),
    listOffsets(connections, partitions.values(), logStartTimestamp, deadlineMs),
  ]);
  const answers = plans.map((plan) => ('error' in plan ? plan : assemble(plan, ends, starts, committed)));
  await lookUpStarts(connections, plans, answers, deadlineMs);
  return answers;
}

function planOf(query: OffsetsQuery, view: TopicView, groupTopics: TopicsByGroup): Plan | OffsetFailure {
  const names = new Set(query.topics);
  if (query.committedTopics) {
    const topics = groupTopics.get(query.group) ?? unanswered(`group ${query.group}`);
    if ('error' in topics) return topics;
    for (const topic of topics) names.add(topic);
  }
  if (query.topicPattern !== undefined) {
    const pattern = compileTopicPattern(query.topicPattern);
    if (pattern === undefined)
      return requestFailed(new Error(`"${query.topicPattern}" is no pattern of topics`));
    for (const name of view.names) if (pattern.test(name)) names.add(name);
  }
  const forbidden = forbiddenOf([...names], query.right, view);
  if (forbidden !== undefined) return forbidden;
  const partitions: LedPartition[] = [];
  for (const topic of names) {
    const leaders = view.leadersOf(topic);
    if ('error' in leaders) return leaders;
    for (const [partition, leader] of leaders) partitions.push({ topic, partition, leader });
  }
  return { query, partitions };
}

/** With the names of all that our user may not know of, or lacks the right to. */
function forbiddenOf(
  topics: readonly string[],
  right: TopicRight | undefined,
  view: TopicView,
): OffsetFailure | undefined {
  const unseen = topics.filter((topic) => {
    const leaders = view.leadersOf(topic);
    return 'error' in leaders && leaders.error.code === 'MILLRACE_KAFKA_FORBIDDEN';
  });
  if (unseen.length > 0) return requestFailed(topicsForbidden('describe', unseen));
  const lacking = right === undefined ? [] : topics.filter((topic) => view.lacks(right, topic));
  return right === undefined || lacking.length === 0
    ? undefined
    : requestFailed(topicsForbidden(right, lacking));
}

/**
 * A partition that several groups read is asked for once; groups that several triggers share are asked once
 * for all topics.
 */
function addTo(
  { query, partitions }: Plan,
  all: Map<PartitionKey, LedPartition>,
  groups: Map<string, Map<string, Set<number>>>,
): void {
  const topics = groups.get(query.group) ?? new Map<string, Set<number>>();
  groups.set(query.group, topics);
  for (const led of partitions) {
    all.set(partitionKey(led.topic, led.partition), led);
    const asked = topics.get(led.topic);
    if (asked === undefined) topics.set(led.topic, new Set([led.partition]));
    else asked.add(led.partition);
  }
}

function assemble(
  { query, partitions }: Plan,
  ends: ReadonlyMap<PartitionKey, bigint | OffsetFailure>,
  starts: ReadonlyMap<PartitionKey, bigint | OffsetFailure>,
  committedByGroup: CommittedByGroup,
): PartitionOffsets[] | OffsetFailure {
  const group = committedByGroup.get(query.group) ?? unanswered(`group ${query.group}`);
  if ('error' in group) return group;
  const offsets: PartitionOffsets[] = [];
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition);
    const end = ends.get(key) ?? unanswered(key);
    const logStart = starts.get(key) ?? unanswered(key);
    const committed = group.has(key) ? group.get(key) : unanswered(key);
    if (typeof end !== 'bigint') return end;
    if (typeof logStart !== 'bigint') return logStart;
    if (committed !== undefined && 'error' in committed) return committed;
    offsets.push({ topic, partition, logStart, end, committed });
  }
  return offsets;
}

/** Kafka left out of its answer what it was asked for: unknown is an error, never zero. */
function unanswered(what: string): OffsetFailure {
  return requestFailed(new Error(`Kafka's answer has nothing about ${what}`));
}

/** Fills `atStartTimestamp` in; one request per broker and distinct time. */
async function lookUpStarts(
  connections: OffsetConnections,
  plans: readonly (Plan | OffsetFailure)[],
  answers: (PartitionOffsets[] | OffsetFailure)[],
  deadlineMs: number,
): Promise<void> {
  const perTime = new Map<number, number[]>();
  for (const [index, plan] of plans.entries()) {
    if ('error' in plan || plan.query.startTimestampMs === undefined) continue;
    const answer = answers[index];
    if (!Array.isArray(answer) || answer.every(({ committed }) => committed !== undefined)) continue;
    append(perTime, plan.query.startTimestampMs, index);
  }
  const lookUps = [...perTime].map(async ([timestampMs, indexes]) => {
    const wanted = new Map<PartitionKey, LedPartition>();
    for (const index of indexes)
      for (const led of uncommitted(plans[index], answers[index]))
        wanted.set(partitionKey(led.topic, led.partition), led);
    const found = await listOffsets(connections, wanted.values(), BigInt(timestampMs), deadlineMs);
    for (const index of indexes) answers[index] = withStarts(answers[index], found);
  });
  await Promise.all(lookUps);
}

function uncommitted(
  plan: Plan | OffsetFailure | undefined,
  answer: PartitionOffsets[] | OffsetFailure | undefined,
): LedPartition[] {
  if (plan === undefined || 'error' in plan || !Array.isArray(answer)) return [];
  return plan.partitions.filter((_led, at) => answer[at]?.committed === undefined);
}

function withStarts(
  answer: PartitionOffsets[] | OffsetFailure | undefined,
  found: ReadonlyMap<PartitionKey, bigint | OffsetFailure>,
): PartitionOffsets[] | OffsetFailure {
  if (!Array.isArray(answer)) return answer ?? unanswered('a query');
  const filled: PartitionOffsets[] = [];
  for (const offsets of answer) {
    const at =
      offsets.committed === undefined
        ? (found.get(partitionKey(offsets.topic, offsets.partition)) ?? unanswered('a time'))
        : undefined;
    if (at !== undefined && typeof at !== 'bigint') return at;
    filled.push(at === undefined ? offsets : { ...offsets, atStartTimestamp: at < 0n ? offsets.end : at });
  }
  return filled;
}
