// The topics of a benchmark. A controller takes a while for thousands of partitions.
import type { Admin } from 'kafkajs';
import { until } from '../scaler/fixtures/until.ts';

const bunch = 100;
const ledLimitMs = 120_000;

/** Those of `topics` that are missing; resolves when they can be written. */
export async function createTopics(
  admin: Admin,
  topics: readonly string[],
  partitions: number,
): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter((topic) => !existing.has(topic));
  for (let from = 0; from < missing.length; from += bunch) {
    const some = missing.slice(from, from + bunch);
    await admin.createTopics({
      topics: some.map((topic) => ({ topic, numPartitions: partitions })),
      waitForLeaders: false,
    });
    // Whoever answers for the offsets leads.
    for (const topic of some)
      await until(async () => (await admin.fetchTopicOffsets(topic)).length > 0, ledLimitMs);
  }
}
