// Who is in a consumer group and has which partitions, as its coordinator sees it: for many groups in few requests.
import kafkajs from 'kafkajs';
import type { MillraceError } from '../../contract/errors.ts';
import { createKafka, type ClientLog, type ConnectionSettings } from '../connection/kafka-client.ts';
import { createOffsetConnections, type OffsetConnections } from '../connection/broker-connections.ts';
import { append } from '../offsets/offset-exchange.ts';
import { failureOf, requestFailed, type OffsetFailure } from '../offsets/offset-failures.ts';
import {
  describeGroupsRequest,
  type BrokerAddress,
  type DescribedGroup,
} from '../connection/wire-requests.ts';
import { createTopology, type Topology } from '../connection/topology.ts';

export interface GroupMemberState {
  /** What the member calls itself. */
  readonly clientId: string;
  /** Partition ids by topic; none while the group rebalances. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
}

export type GroupState =
  | {
      readonly kind: 'read';
      /** True while members join or wait for their share. */
      readonly rebalancing: boolean;
      /** None where nobody is in the group, or it never was. */
      readonly members: readonly GroupMemberState[];
    }
  | { readonly kind: 'failed'; readonly error: MillraceError };

export interface GroupStatesReader {
  /** One state per distinct name, within the timeout. Never rejects. */
  read(groups: Iterable<string>): Promise<ReadonlyMap<string, GroupState>>;
  /** Ends what is in flight; idempotent. */
  close(): Promise<void>;
}

export interface GroupStatesOptions {
  readonly connection: ConnectionSettings;
  readonly log?: ClientLog | undefined;
  /** Milliseconds that a read may take in all; 5,000 when absent. */
  readonly timeoutMs?: number | undefined;
  readonly onRequest?: ((apiName: string) => void) | undefined;
}

const attempts = 3;
const delayMs = 150;

export function createGroupStates(options: GroupStatesOptions): GroupStatesReader {
  const connections = createOffsetConnections({
    kafka: createKafka(options.connection, options.log),
    seeds: options.connection.brokers.length,
    requestTimeoutMs: 2_000,
    onRequest: options.onRequest,
  });
  const topology = createTopology({ connections, metadataMaxAgeMs: 0 });
  return {
    read: (groups) => readStates(connections, topology, new Set(groups), options.timeoutMs ?? 5_000),
    close: () => connections.close(),
  };
}

/** What passes, such as a coordinator that has moved, is tried again. */
async function readStates(
  connections: OffsetConnections,
  topology: Topology,
  groups: ReadonlySet<string>,
  timeoutMs: number,
): Promise<ReadonlyMap<string, GroupState>> {
  const deadlineMs = performance.now() + timeoutMs;
  const states = new Map<string, GroupState>();
  let open = [...groups];
  for (let attempt = 1; open.length > 0; attempt++) {
    const answers = await describe(connections, topology, open, deadlineMs);
    const isLast = attempt === attempts || performance.now() + delayMs >= deadlineMs;
    const again: string[] = [];
    for (const group of open) {
      const answer = answers.get(group) ?? requestFailed(new Error(`Kafka's answer has no group ${group}`));
      if ('error' in answer) topology.forgetCoordinator(group);
      if ('error' in answer && answer.passing && !isLast) again.push(group);
      else states.set(group, stateOf(answer));
    }
    open = again;
    if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return states;
}

type Answers = Map<string, DescribedGroup | OffsetFailure>;

/** One DescribeGroups per coordinator. A broker that fails takes down its own groups, nobody else's. */
async function describe(
  connections: OffsetConnections,
  topology: Topology,
  groups: readonly string[],
  deadlineMs: number,
): Promise<Answers> {
  const answers: Answers = new Map();
  const fail = (names: readonly string[], error: unknown): void => {
    for (const group of names) answers.set(group, requestFailed(error));
  };
  const shares = new Map<string, string[]>();
  const brokers = new Map<string, BrokerAddress>();
  try {
    for (const [group, coordinator] of await topology.coordinators(groups, deadlineMs)) {
      if ('error' in coordinator) {
        answers.set(group, coordinator);
        continue;
      }
      const address = `${coordinator.host}:${coordinator.port}`;
      brokers.set(address, coordinator);
      append(shares, address, group);
    }
  } catch (error) {
    fail(groups, error);
  }
  const requests = [...brokers].map(async ([address, broker]) => {
    const share = shares.get(address) ?? [];
    try {
      const described = await connections.sendTo(broker, describeGroupsRequest(share), deadlineMs);
      for (const one of described)
        answers.set(one.group, failureOf(one.errorCode, `members of group ${one.group}`) ?? one);
    } catch (error) {
      fail(share, error);
    }
  });
  await Promise.all(requests);
  return answers;
}

function stateOf(answer: DescribedGroup | OffsetFailure): GroupState {
  if ('error' in answer) return { kind: 'failed', error: answer.error };
  return {
    kind: 'read',
    rebalancing: answer.state === 'PreparingRebalance' || answer.state === 'CompletingRebalance',
    members: answer.members.map(({ clientId, assignment }) => ({
      clientId,
      partitions: partitionsOf(assignment),
    })),
  };
}

/** None for an assignment that is empty, or of a protocol that is not the consumers'. */
function partitionsOf(assignment: Buffer): ReadonlyMap<string, readonly number[]> {
  if (assignment.length === 0) return new Map();
  try {
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment);
    return new Map(Object.entries(decoded?.assignment ?? {}));
  } catch {
    return new Map();
  }
}
