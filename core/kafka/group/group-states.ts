// Who is in a consumer group and has which partitions, as its coordinator sees it: for many groups in few requests.
import type { MillraceError } from '../../contract/errors.ts';
import { addressText } from '../connection/broker-address.ts';
import type { Connections } from '../connection/broker-connections.ts';
import { append } from '../offsets/offset-exchange.ts';
import { failureOf, requestFailed, type OffsetFailure } from '../offsets/offset-failures.ts';
import { describeGroupsRequest, type BrokerAddress, type DescribedGroup } from '../protocol/wire-requests.ts';
import { describesConsumerGroups, readFeatures } from './broker-features.ts';
import { describeConsumerGroupsRequest, type DescribedConsumerGroup } from './consumer-requests.ts';
import type { Topology } from '../connection/topology.ts';
import { byTopic, decodeAssignment } from './assignor/consumer-protocol.ts';

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

export interface ReadGroupsOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  /** Milliseconds that a read may take in all; 30,000 when absent. */
  readonly timeoutMs?: number | undefined;
  /** Called once per name, as soon as its state is final. Must not throw. */
  readonly settle?: ((group: string, state: GroupState) => void) | undefined;
}

const attempts = 3;
const delayMs = 150;

/** One state per name, within the timeout; what passes, such as a coordinator that has moved, is tried again. Never rejects. */
export async function readGroupStates(
  groups: ReadonlySet<string>,
  { connections, topology, timeoutMs = 30_000, settle }: ReadGroupsOptions,
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
      if ('error' in answer && answer.passing && !isLast) {
        again.push(group);
        continue;
      }
      const state = stateOf(answer);
      states.set(group, state);
      settle?.(group, state);
    }
    open = again;
    if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return states;
}

type Answers = Map<string, DescribedGroup | DescribedConsumerGroup | OffsetFailure>;

/** One DescribeGroups per coordinator, and one ConsumerGroupDescribe for what that does not know. A broker that fails takes down its own groups, nobody else's. */
async function describe(
  connections: Connections,
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
      const address = addressText(coordinator);
      brokers.set(address, coordinator);
      append(shares, address, group);
    }
  } catch (error) {
    fail(groups, error);
  }
  const requests = [...brokers].map(async ([address, broker]) => {
    const share = shares.get(address) ?? [];
    try {
      for (const one of await describeShare(connections, broker, share, deadlineMs))
        answers.set(one.group, failureOf(one.errorCode, `members of group ${one.group}`) ?? one);
    } catch (error) {
      fail(share, error);
    }
  });
  await Promise.all(requests);
  return answers;
}

/** The groups of one coordinator. To DescribeGroups, a group of the consumer protocol (KIP-848) is as dead as one that never was. */
async function describeShare(
  connections: Connections,
  broker: BrokerAddress,
  groups: readonly string[],
  deadlineMs: number,
): Promise<readonly (DescribedGroup | DescribedConsumerGroup)[]> {
  const classic = await connections.sendTo(broker, describeGroupsRequest(groups), deadlineMs);
  const dead = classic.filter(({ errorCode, state }) => errorCode === 0 && state === 'Dead');
  if (dead.length === 0 || !describesConsumerGroups(await readFeatures(connections, deadlineMs)))
    return classic;
  const request = describeConsumerGroupsRequest(dead.map(({ group }) => group));
  const others = await connections.sendTo(broker, request, deadlineMs);
  const known = new Map(
    others.filter(({ errorCode }) => !unknownCodes.has(errorCode)).map((one) => [one.group, one]),
  );
  return classic.map((one) => known.get(one.group) ?? one);
}

/** UNSUPPORTED_VERSION, where the protocol is switched off, and GROUP_ID_NOT_FOUND: no group of the consumer protocol. */
const unknownCodes: ReadonlySet<number> = new Set([35, 69]);
/** Between two states in which all members have what they are to have. */
const rebalancingStates: readonly string[] = [
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
];

function stateOf(answer: DescribedGroup | DescribedConsumerGroup | OffsetFailure): GroupState {
  if ('error' in answer) return { kind: 'failed', error: answer.error };
  return {
    kind: 'read',
    rebalancing: rebalancingStates.includes(answer.state),
    members: answer.members.map((member) => ({
      clientId: member.clientId,
      partitions: 'partitions' in member ? member.partitions : partitionsOf(member.assignment),
    })),
  };
}

/** None for an assignment that is empty, or of a protocol that is not the consumers'. */
function partitionsOf(assignment: Buffer): ReadonlyMap<string, readonly number[]> {
  try {
    return byTopic(decodeAssignment(assignment));
  } catch {
    return new Map();
  }
}
