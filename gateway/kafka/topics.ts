// Which topics a source means, and whether they exist.
import type { Admin } from 'kafkajs';
import { MillraceError } from '../contract/errors.ts';
import { compileTopicPattern } from '../contract/formats.ts';
import type { SourceSettings } from '../contract/subscription.ts';

/** The topics of `source` as they exist now, sorted. Throws MILLRACE_TOPIC_MISSING where one, or any match, is missing. */
export async function resolveTopics(admin: Admin, source: SourceSettings): Promise<string[]> {
  const existing = await admin.listTopics();
  if (source.topicPattern !== undefined) {
    const pattern = compileTopicPattern(source.topicPattern);
    const matching = existing
      .filter((topic) => pattern?.test(topic) === true && !topic.startsWith('__'))
      .sort();
    if (matching.length > 0) return matching;
    throw new MillraceError(
      'MILLRACE_TOPIC_MISSING',
      `no topic matches the pattern "${source.topicPattern}"`,
    );
  }
  const missing = source.topics.filter((topic) => !existing.includes(topic));
  if (missing.length === 0) return [...source.topics].sort();
  const names = missing.map((topic) => `"${topic}"`).join(', ');
  throw new MillraceError(
    'MILLRACE_TOPIC_MISSING',
    `${missing.length === 1 ? 'topic' : 'topics'} ${names} missing`,
  );
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
