// The topics that must exist for triggers to work.
import type { Subscription } from '../../core/contract/subscription.ts';

/** Every topic that the triggers name. */
export function topicsOf(wanted: readonly Subscription[]): string[] {
  const topics = wanted.flatMap(({ source, reply, delivery }) => [
    ...source.topics,
    ...(reply === undefined ? [] : [reply.topic]),
    ...(delivery.deadLetter === undefined ? [] : [delivery.deadLetter.topic]),
  ]);
  return [...new Set(topics)];
}
