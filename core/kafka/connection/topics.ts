// Which topics a source means, and whether they exist.
import type { Admin } from 'kafkajs';
import { MillraceError } from '../../contract/errors.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { topicsForbidden } from './security-errors.ts';
import type { TopicsSnapshot, TopicWatch } from '../fetch/topic-watch.ts';

/** Those of `existing` that `pattern` means, sorted; internal topics never. */
export function matchTopics(pattern: string, existing: readonly string[]): string[] {
  const compiled = compileTopicPattern(pattern);
  return existing.filter((topic) => compiled?.test(topic) === true && !topic.startsWith('__')).sort();
}

/**
 * The topics that `source` means, sorted: those that exist now, and those named that do not. Rejects with
 * MILLRACE_KAFKA_FORBIDDEN, and their names, where our user may not know of some that are named, or not read some.
 */
export async function scanTopics(
  watch: TopicWatch,
  { topics, topicPattern }: SourceSettings,
): Promise<{ found: string[]; missing: string[] }> {
  const snapshot = await watch.look(topicPattern === undefined ? topics : undefined);
  const named = topicPattern === undefined ? topics : matchTopics(topicPattern, snapshot.names);
  const forbidden = named.filter((topic) => snapshot.topic(topic).kind === 'forbidden');
  if (forbidden.length > 0) throw topicsForbidden('describe', forbidden);
  const unreadable = unreadableIn(snapshot, named);
  if (unreadable.length > 0) throw topicsForbidden('read', unreadable);
  const isMissing = (topic: string): boolean => snapshot.topic(topic).kind === 'missing';
  return {
    found: named.filter((topic) => !isMissing(topic)).sort(),
    missing: named.filter(isMissing),
  };
}

/** Those of `topics` that our user may know of, and not read. */
export function unreadableIn(snapshot: TopicsSnapshot, topics: readonly string[]): string[] {
  return topics.filter((topic) => {
    const seen = snapshot.topic(topic);
    return seen.kind === 'there' && seen.isUnreadable;
  });
}

/** Without names: no topic matches the pattern of `source`. */
export function topicsMissing({ topicPattern }: SourceSettings, names: readonly string[]): MillraceError {
  const list = names.map((topic) => `"${topic}"`).join(', ');
  const text =
    names.length === 0
      ? `no topic matches the pattern "${topicPattern ?? ''}"`
      : `${names.length === 1 ? 'topic' : 'topics'} ${list} missing`;
  return new MillraceError('MILLRACE_TOPIC_MISSING', text);
}

/** How long a new topic may take until its partitions are led, in ms. */
const ledLimitMs = 15_000;

/**
 * Creates those of `topics` that do not exist, and tells which; when it resolves, they can be written. For one machine; in
 * production topics are somebody's resources.
 */
export async function createMissingTopics(
  admin: Admin,
  topics: readonly string[],
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const existing = new Set(await admin.listTopics());
  const missing = [...new Set(topics)].filter((topic) => !existing.has(topic));
  if (missing.length === 0) return missing;
  await admin.createTopics({
    topics: missing.map((topic) => ({ topic, numPartitions: partitions, configEntries })),
    waitForLeaders: false,
  });
  for (const topic of missing) await untilLed(admin, topic);
  return missing;
}

/** Removes those of `topics` that exist, with what consumer groups know of them; resolves when the brokers have them no more. */
export async function removeTopics(admin: Admin, topics: readonly string[]): Promise<string[]> {
  const present = async (): Promise<string[]> => {
    const existing = new Set(await admin.listTopics());
    return topics.filter((topic) => existing.has(topic));
  };
  const removed = await present();
  if (removed.length > 0) await admin.deleteTopics({ topics: removed });
  const deadlineMs = performance.now() + ledLimitMs;
  while ((await present()).length > 0 && performance.now() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return removed;
}

/**
 * Not the client's `waitForLeaders`: that gives up where a broker has not heard of the topic yet, and believes metadata that
 * names a leader before it leads. Whoever answers for the offsets does.
 */
async function untilLed(admin: Admin, topic: string): Promise<void> {
  const deadlineMs = performance.now() + ledLimitMs;
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
