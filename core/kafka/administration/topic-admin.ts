// Creates and removes topics on one machine, for `millrace dev`, the demo and the bench. Clusters have topics of their own.
import type { Admin } from 'kafkajs';

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
