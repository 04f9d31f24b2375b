// `millrace create-topics`: creates topics that do not exist yet, where no other tool of Kafka is at hand.
import { MillraceError } from '../../core/contract/errors.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { createMissingTopics } from '../../core/kafka/administration/topic-admin.ts';
import { printJson, type CommandIo } from '../command-io.ts';
import { connectionIn, withAdmin } from './brokers.ts';

export interface CreateTopicsOptions {
  readonly topics: readonly string[];
  readonly partitions: number;
  /** A file of Kafka client properties. */
  readonly config?: string;
  /** Prints an object for each topic. */
  readonly json: boolean;
}

/** Resolves with exit code 0 when all topics exist and can be written. */
export async function runCreateTopicsCommand(options: CreateTopicsOptions, io: CommandIo): Promise<number> {
  const { partitions, json } = options;
  const topics = [...new Set(options.topics)];
  const wrong = topics.filter((topic) => !/^[\w.-]{1,249}$/.test(topic) || /^\.{1,2}$/.test(topic));
  if (wrong.length > 0)
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `${wrong.join(', ')} cannot be a topic: its name has up to 249 letters, digits, dots, underscores and hyphens`,
    );
  const connection = await connectionIn(io.env, options.config, 'millrace-create-topics');
  let created: readonly string[];
  try {
    created = await withAdmin(createKafka(connection), (admin) =>
      createMissingTopics(admin, topics, partitions),
    );
  } finally {
    await connection.security?.close();
  }
  for (const topic of topics) {
    const isNew = created.includes(topic);
    if (json) printJson(io, { topic, created: isNew, ...(isNew ? { partitions } : {}) });
    else
      io.stdout.write(
        isNew ? `created ${topic} with ${partitions} partitions\n` : `${topic} exists already\n`,
      );
  }
  return 0;
}
