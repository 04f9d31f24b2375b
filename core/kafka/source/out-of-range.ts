// What it means that a broker has nothing at the position of a partition, and where reading goes on. Pure.

export interface RangeFound {
  /** The next offset to fetch. */
  readonly position: bigint;
  /** The first offset that is there. */
  readonly low: bigint;
  /** One past the last one. */
  readonly high: bigint;
  /** False where the topic was deleted and created again since the partition was opened. */
  readonly isSameTopic: boolean;
  /** The broker has answered a fetch at the position, or before it, since the partition was opened: the log once reached so far. */
  readonly wasInRange: boolean;
  /** Where the log left the leader epoch of what was read, if that is before the position. */
  readonly left?: bigint | undefined;
}

export type RangeDecision =
  /** All that is there is owed. */
  | { readonly kind: 'restart' }
  /** History was deleted unread: on from `to`. */
  | { readonly kind: 'skip'; readonly to: bigint }
  /** The log ends before the position: brokers lost its end, and may have written another one: see `rewindTo`. */
  | { readonly kind: 'rewind' }
  /** The group's offset lies beyond the end of this log, and counts as none: on from the initial offset. */
  | { readonly kind: 'reset' }
  /** It is in range again. */
  | { readonly kind: 'stay' };

export function decideRange({
  position,
  low,
  high,
  isSameTopic,
  wasInRange,
  left,
}: RangeFound): RangeDecision {
  if (!isSameTopic) return { kind: 'restart' };
  if (left !== undefined) return { kind: 'rewind' };
  if (position < low) return { kind: 'skip', to: low };
  if (position <= high) return { kind: 'stay' };
  return { kind: wasInRange ? 'rewind' : 'reset' };
}

/**
 * Where a truncated log is read from. `atLast` is the first offset that is as young as the last record that was handed over:
 * what brokers wrote after they lost the end is no older. Where it is not known, all is read again: nothing is lost, and what
 * was delivered before is delivered twice.
 */
export function rewindTo(
  { low, high }: Pick<RangeFound, 'low' | 'high'>,
  atLast: bigint | undefined,
): bigint {
  if (atLast === undefined || atLast < low) return low;
  return atLast > high ? high : atLast;
}
