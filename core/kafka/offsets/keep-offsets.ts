// Keeps what a group has committed while nobody is in it: its trigger is suspended, or no gateway runs, or none may connect. Whoever reads a
// group may do it. It fences nobody, because a group with members refuses it.
import { describeError, MillraceError } from '../../contract/errors.ts';
import { partitionName } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { Topology } from '../connection/topology.ts';
import { commitFailure } from '../group/coordinator/group-errors.ts';
import { offsetFetchRequest, type BrokerAddress } from '../protocol/wire-requests.ts';
import { commitParts } from './commit-parts.ts';
import { failureOf } from './offset-failures.ts';
import { keepOffsetsRequest, type KeptOffset } from './keep-request.ts';

/** How long offsets last that nobody renews, in ms. */
const keepMs = 90 * 24 * 3_600_000;

export type KeepOutcome =
  /** `text`: all that was committed, to compare with later. */
  | { readonly kind: 'kept'; readonly text: string }
  /** There is nothing to keep. */
  | { readonly kind: 'nothing' }
  /** It has members, or a transaction is about to commit: it needs no keeping now. */
  | { readonly kind: 'in use' }
  | { readonly kind: 'failed'; readonly error: MillraceError };

export interface KeepOptions {
  readonly connections: Connections;
  readonly topology: Topology;
  readonly deadlineMs: number;
  /** What was kept of the group before, and need not be kept again. */
  readonly known?: string | undefined;
}

// UNKNOWN_MEMBER_ID and others with which a group with members answers a stranger.
const inUse: ReadonlySet<number> = new Set([22, 25, 27, 113]);
const unstableOffsetCommit = 88;

/** Never rejects. */
export async function keepOffsets(group: string, options: KeepOptions): Promise<KeepOutcome> {
  const { topology, deadlineMs } = options;
  try {
    const coordinator = (await topology.coordinators([group], deadlineMs)).get(group);
    if (coordinator === undefined) throw new Error(`Kafka names no coordinator of group ${group}`);
    if ('error' in coordinator) throw coordinator.error;
    return await keepAt(coordinator, group, options);
  } catch (error) {
    topology.forgetCoordinator(group);
    const told =
      error instanceof MillraceError
        ? error
        : new MillraceError('MILLRACE_KAFKA_FAILED', describeError(error), { cause: error });
    return { kind: 'failed', error: told };
  }
}

async function keepAt(
  coordinator: BrokerAddress,
  group: string,
  { connections, deadlineMs, known }: KeepOptions,
): Promise<KeepOutcome> {
  const asked = new Map([[group, undefined]]);
  // Stable ones: this commit would take the place of that of a transaction that is under way.
  const request = offsetFetchRequest(asked, { requireStable: true });
  const [answer] = await connections.sendTo(coordinator, request, deadlineMs);
  const { offsets = [], errorCode = 0 } = answer ?? {};
  for (const code of [errorCode, ...offsets.map((one) => one.errorCode)]) {
    if (code === unstableOffsetCommit) return { kind: 'in use' };
    const failure = failureOf(code, `committed offsets of group ${group}`);
    if (failure !== undefined) throw failure.error;
  }
  const committed = offsets.filter(({ offset }) => offset >= 0n);
  if (committed.length === 0) return { kind: 'nothing' };
  const text = textOf(committed);
  if (text === known) return { kind: 'kept', text };
  for (const part of commitParts(committed, group)) {
    const request = keepOffsetsRequest(group, part, keepMs);
    const answers = await connections.sendTo(coordinator, request, deadlineMs);
    if (answers.some(({ errorCode }) => inUse.has(errorCode))) return { kind: 'in use' };
    const failure = commitFailure(answers, group);
    if (failure !== undefined) throw failure;
  }
  return { kind: 'kept', text };
}

function textOf(offsets: readonly KeptOffset[]): string {
  const lines = offsets.map((one) => `${partitionName(one)} ${one.offset} ${one.metadata}`);
  return lines.sort().join('\n');
}
