// Reads where topics begin and end and what groups have committed, for many groups in few requests.
// A topic that vanished or a group that fails is told for its own queries only.
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import type { Connections } from '../connection/broker-connections.ts';
import { fetchCommitted, fetchTopics, listOffsets, partitionKey } from './offset-exchange.ts';
import type { CommittedByGroup, LedPartition, PartitionKey, TopicsByGroup } from './offset-exchange.ts';
import { requestFailed, type OffsetFailure } from './offset-failures.ts';
import type { OffsetsQuery, OffsetsResult, PartitionOffsets } from './partition-offsets.ts';
import { logEndTimestamp, logStartTimestamp } from '../protocol/wire-requests.ts';
import type { Topology, TopicRight, TopicView } from '../connection/topology.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import { lookUpEpochs } from './committed-epochs.ts';
import { lookUpHighWatermarks, lookUpStarts, unanswered, type Plan } from './offset-look-ups.ts';

/** Called once per query, as soon as its result is final. Must not throw. */
export type SettleQuery = (index: number, result: OffsetsResult) => void;

export interface ReadOffsetsOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  /** Milliseconds that a read may take in all; 30,000 when absent. */
  readonly timeoutMs?: number | undefined;
  readonly settle?: SettleQuery | undefined;
}

const attempts = 3;
const delayMs = 150;

/**
 * One result per query, in their order, within the timeout; what passes is tried again. Rejects with MILLRACE_KAFKA_UNREACHABLE where no
 * broker answers at all, MILLRACE_KAFKA_UNSUPPORTED where the brokers are older than Kafka 3.0, and with why they do not let us in; without
 * queries it proves just that.
 */
export async function readOffsets(
  queries: readonly OffsetsQuery[],
  { connections, topology, timeoutMs = 30_000, settle }: ReadOffsetsOptions,
): Promise<OffsetsResult[]> {
  const deadlineMs = performance.now() + timeoutMs;
  const results: OffsetsResult[] = [];
  let open = [...queries.keys()];
  for (let attempt = 1; ; attempt++) {
    const asked = open.flatMap((index) => queries[index] ?? []);
    const answers = await readOnce(connections, topology, asked, deadlineMs);
    const isLast = attempt === attempts || performance.now() + delayMs >= deadlineMs;
    const again: number[] = [];
    for (const [at, index] of open.entries()) {
      const answer = answers[at] ?? unanswered('a query');
      if (isPassing(answer)) {
        // What failed in the end starts from fresh metadata next time, too.
        topology.forgetTopics(queries[index]?.topics ?? []);
        topology.forgetCoordinator(queries[index]?.group ?? '');
      }
      if (isPassing(answer) && !isLast) {
        again.push(index);
        continue;
      }
      const result = resultOf(answer);
      results[index] = result;
      settle?.(index, result);
    }
    open = again;
    if (open.length === 0) return results;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

function resultOf(answer: PartitionOffsets[] | OffsetFailure): OffsetsResult {
  return Array.isArray(answer)
    ? { kind: 'read', partitions: answer }
    : { kind: 'failed', error: answer.error };
}

function isPassing(answer: PartitionOffsets[] | OffsetFailure): boolean {
  return 'passing' in answer && answer.passing;
}

async function readOnce(
  connections: Connections,
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
  await lookUpEpochs({ connections, topology, view }, plans, answers, deadlineMs);
  await lookUpHighWatermarks(connections, plans, answers, deadlineMs);
  await lookUpStarts(connections, plans, answers, deadlineMs);
  return answers;
}

function planOf(query: OffsetsQuery, view: TopicView, groupTopics: TopicsByGroup): Plan | OffsetFailure {
  const names = new Set(query.topics);
  if (query.committedTopics) {
    const topics = groupTopics.get(query.group) ?? unanswered(`group ${query.group}`);
    if ('error' in topics) return topics;
    // Offsets may outlive their topic. Nothing is owed of one that nobody names and that is not there.
    for (const topic of topics) if (!isMissing(view.leadersOf(topic))) names.add(topic);
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
    for (const [partition, leader] of leaders) {
      if (query.partitions?.includes(partition) === false) continue;
      // What a partition without a leader owes is unknown, and so is the sum.
      if ('error' in leader) return leader;
      partitions.push({ topic, partition, leader });
    }
  }
  return { query, partitions };
}

function isMissing(leaders: ReturnType<TopicView['leadersOf']>): boolean {
  return 'error' in leaders && leaders.error.code === 'MILLRACE_TOPIC_MISSING';
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
