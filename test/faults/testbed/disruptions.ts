// When Kafka was disrupted, for all gateways or for one, and what that excuses. Pure.
import type { Exposure } from '../../fixtures/oracle/oracle-evidence.ts';
import { bounds } from '../bounds.ts';

export type Disruption = {
  what: string;
  /** Absent: all gateways. */
  gateway?: string | undefined;
  /** Group members may be unable to reach the coordinator. */
  cutsOff?: boolean | undefined;
  fromMs: number;
  /** Infinity until it is over. */
  toMs: number;
};

type Span = { fromMs: number; toMs: number };

/** When `gateway` could not rely on Kafka. Disruptions less than the recovery time apart count as one. */
export function outagesOf(disruptions: readonly Disruption[], gateway: string): Span[] {
  const mine = disruptions.filter((one) => (one.gateway ?? gateway) === gateway);
  const spans: Span[] = [];
  for (const { fromMs, toMs } of mine.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const last = spans.at(-1);
    if (last !== undefined && fromMs <= last.toMs + bounds.recoveryMs) last.toMs = Math.max(last.toMs, toMs);
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

/** When a `gateway` that ends at `atMs` could last commit. Records that it settled later may be delivered again. */
export function lastCommitMs(disruptions: readonly Disruption[], gateway: string, atMs: number): number {
  const current = outagesOf(disruptions, gateway).find(
    ({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs + bounds.recoveryMs,
  );
  return (current?.fromMs ?? atMs) - bounds.commitMs;
}

/**
 * What disruptions excuse by themselves: writes whose acknowledgement was lost, and the work of a gateway that was cut off for so
 * long that another member may have got its partitions.
 */
export function exposuresOf(
  disruptions: readonly Disruption[],
  gateways: readonly { name: string; instances: readonly string[] }[],
): Exposure[] {
  const writes = disruptions.map(({ what, fromMs, toMs }) => ({
    why: what,
    fromMs: fromMs - bounds.commitMs,
    toMs: toMs + bounds.recoveryMs,
    lettersOnly: true,
  }));
  if (gateways.length < 2) return writes;
  const absences = gateways.flatMap(({ name, instances }) =>
    outagesOf(
      disruptions.filter(({ cutsOff }) => cutsOff),
      name,
    )
      .filter(({ fromMs, toMs }) => toMs - fromMs >= bounds.sessionRiskMs)
      .flatMap(({ fromMs, toMs }) =>
        instances.map((gateway) => ({
          why: `${name} was without Kafka past its session`,
          gateway,
          fromMs: lastCommitMs(disruptions, name, fromMs),
          toMs: toMs + bounds.noticeMs,
        })),
      ),
  );
  return [...writes, ...absences];
}
