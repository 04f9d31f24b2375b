// When a topic pattern has come to mean other topics.
import type { Admin } from 'kafkajs';
import type { SourceSettings } from '../contract/subscription.ts';
import { pause } from './pause.ts';
import { resolveTopics } from './topics.ts';

/** How often a topic pattern is matched against the topics that exist, in ms. */
const patternIntervalMs = 15_000;

/** Resolves at the abort, or when a pattern means other topics than `topics`. */
export async function whenTopicsChange(
  admin: Admin,
  source: SourceSettings,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await pause(source.topicPattern === undefined ? undefined : patternIntervalMs, signal);
    if (signal.aborted) return;
    const now = await resolveTopics(admin, source).catch(() => topics);
    if (now.join() !== topics.join()) return;
  }
}
