// When Kafka was in trouble, for all gateways or for one, and what that excuses. Pure.
import type { Exposure } from '../fixtures/oracle/oracle-evidence.ts';
import { bounds } from './bounds.ts';

export type Trouble = {
  what: string;
  /** Absent: all. */
  gateway?: string | undefined;
  /** The group may not hear of its members, nor they of it. */
  cutsOff?: boolean | undefined;
  fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
};

type Span = { fromMs: number; toMs: number };

/** The times in which `gateway` could not count on Kafka: troubles that follow each other before it has recovered are one. */
export function outagesOf(troubles: readonly Trouble[], gateway: string): Span[] {
  const mine = troubles.filter((one) => (one.gateway ?? gateway) === gateway);
  const spans: Span[] = [];
  for (const { fromMs, toMs } of mine.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const last = spans.at(-1);
    if (last !== undefined && fromMs <= last.toMs + bounds.recoveryMs) last.toMs = Math.max(last.toMs, toMs);
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

/** When `gateway` was last able to commit, were it to end at `atMs`: what it settled later may come again. */
export function lastCommitMs(troubles: readonly Trouble[], gateway: string, atMs: number): number {
  const current = outagesOf(troubles, gateway).find(
    ({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs + bounds.recoveryMs,
  );
  return (current?.fromMs ?? atMs) - bounds.commitMs;
}

/**
 * What troubles excuse by themselves: writes of which Kafka's word was lost, and the work of a gateway that was away for so
 * long that another may have had its partitions.
 */
export function exposuresOf(
  troubles: readonly Trouble[],
  gateways: readonly { name: string; lives: readonly string[] }[],
): Exposure[] {
  const writes = troubles.map(({ what, fromMs, toMs }) => ({
    why: what,
    fromMs: fromMs - bounds.commitMs,
    toMs: toMs + bounds.recoveryMs,
    lettersOnly: true,
  }));
  if (gateways.length < 2) return writes;
  const absences = gateways.flatMap(({ name, lives }) =>
    outagesOf(
      troubles.filter(({ cutsOff }) => cutsOff),
      name,
    )
      .filter(({ fromMs, toMs }) => toMs - fromMs >= bounds.sessionRiskMs)
      .flatMap(({ fromMs, toMs }) =>
        lives.map((gateway) => ({
          why: `${name} was without Kafka past its session`,
          gateway,
          fromMs: fromMs - bounds.commitMs,
          toMs: toMs + bounds.noticeMs,
        })),
      ),
  );
  return [...writes, ...absences];
}
