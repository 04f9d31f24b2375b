// Which topics a source means, and whether they exist.
import { MillraceError } from '../../contract/errors.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import type { SourceSettings } from '../../contract/subscription.ts';
import { topicsForbidden } from '../connection/security-errors.ts';
import type { TopicsSnapshot, TopicWatch } from './topic-watch.ts';

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
