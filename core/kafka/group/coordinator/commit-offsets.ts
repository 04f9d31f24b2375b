// Commits of a member, in as many requests as it takes.
import { commitParts } from '../../offsets/commit-parts.ts';
import type { GroupCoordinator } from './group-coordinator.ts';
import { refusalKindOf } from './group-errors.ts';
import { offsetCommitRequest, type CommitAnswer, type OffsetToCommit } from './offset-commit-request.ts';
import type { MemberIdentity } from '../membership.ts';

/** A broker has this long to store one, in ms. */
const tryMs = 10_000;

export interface OffsetsCommit {
  readonly coordinator: GroupCoordinator;
  readonly groupId: string;
  readonly member: MemberIdentity;
  readonly offsets: readonly OffsetToCommit[];
  /** How long a coordinator may be away, in ms. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly version?: 8 | 9 | undefined;
}

/**
 * Resolves with what was refused; none where the group has taken all of it. One request after the other, and none after one that was
 * refused: when this ends, nothing is under way.
 */
export async function commitOffsets(commit: OffsetsCommit): Promise<readonly CommitAnswer[]> {
  const { coordinator, groupId, member, patienceMs, signal, version } = commit;
  const codeOf = (answers: readonly CommitAnswer[]): number =>
    answers.find(({ errorCode }) => refusalKindOf(errorCode) === 'passing')?.errorCode ?? 0;
  for (const part of commitParts(commit.offsets, groupId)) {
    const request = offsetCommitRequest(groupId, member, part, version);
    const answers = await coordinator.ask(request, { codeOf, tryMs, patienceMs, signal });
    const refused = answers.filter(({ errorCode }) => errorCode !== 0);
    if (refused.length > 0) return refused;
  }
  return [];
}
