// Which topics a source means, and whether they exist.
import { MillraceError } from '../../contract/errors.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { topicsForbidden } from '../connection/security/security-errors.ts';
import type { TopicsSnapshot, TopicState, TopicWatch } from './topic-watch.ts';

/** Those of `existing` that `pattern` means, sorted; internal topics never. */
export function matchTopics(pattern: string, existing: readonly string[]): string[] {
  const compiled = compileTopicPattern(pattern);
  return existing.filter((topic) => compiled?.test(topic) === true && !topic.startsWith('__')).sort();
}

export interface ScannedTopics {
  /** Those that may be subscribed to, sorted. */
  readonly found: readonly string[];
  readonly missing: readonly string[];
  /** Our user may not know of them. */
  readonly forbidden: readonly string[];
}

/** The topics that `source` means. Rejects with MILLRACE_KAFKA_FORBIDDEN, and their names, where our user may read none of those that are there. */
export async function scanTopics(
  watch: TopicWatch,
  { topics, topicPattern }: SourceSettings,
): Promise<ScannedTopics> {
  const snapshot = await watch.look(topicPattern === undefined ? topics : undefined);
  const named = topicPattern === undefined ? topics : matchTopics(topicPattern, snapshot.names);
  const isOf = (kind: TopicState['kind']) => (topic: string) => snapshot.topic(topic).kind === kind;
  const forbidden = named.filter(isOf('forbidden'));
  const missing = named.filter(isOf('missing'));
  const found = named.filter((topic) => !forbidden.includes(topic) && !missing.includes(topic)).sort();
  const unreadable = unreadableIn(snapshot, found);
  const hasNone = unreadable.length === found.length;
  if (hasNone && forbidden.length > 0) throw topicsForbidden('describe', forbidden);
  if (hasNone && unreadable.length > 0) throw topicsForbidden('read', unreadable);
  return { found, missing, forbidden };
}

/** Those of `topics` that our user may know of, and not read. */
export function unreadableIn(snapshot: TopicsSnapshot, topics: readonly string[]): string[] {
  return topics.filter((topic) => snapshot.isUnreadable(topic));
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
