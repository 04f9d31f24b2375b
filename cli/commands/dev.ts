// `millrace dev`: runs a folder of functions and their manifests on this machine, with everything that they need.
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import { formatProblem } from '../../core/contract/manifest-problem.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { createFileSecrets } from '../../core/resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { printJson, untilAborted, type CommandIo } from '../command-io.ts';
import { LocalStack } from '../local/local-stack.ts';
import { shareTriggers, type SharedTriggers } from '../local/shared-triggers.ts';
import { topicsOf } from '../local/required-topics.ts';
import { ensureTopics, foreignKafka, startOwnKafka, type UsedKafka } from '../local/use-kafka.ts';
import { LiveView } from '../status/live-view.ts';
import { jsonOf, lineOf, tableOf, type TriggerStatus } from '../status/table.ts';

export interface DevOptions {
  readonly dir: string;
  readonly kafkaDir?: string;
  /** Partitions of each topic that is created in the local Kafka. */
  readonly partitions: number;
  /** Prints an object for each trigger that has changed; messages go to standard error. */
  readonly json: boolean;
}

/** Exit code 0 when it is interrupted, 1 if the local Kafka dies. Mistakes in manifests are reported before anything starts. */
export async function runDevCommand(options: DevOptions, io: CommandIo): Promise<number> {
  let stack: LocalStack | undefined;
  const view = new LiveView<TriggerStatus>({
    stream: io.stdout,
    read: () => stack?.statuses() ?? [],
    tableOf,
    ...(options.json
      ? { lineOf: (status) => JSON.stringify(jsonOf(status)), messages: io.stderr }
      : { lineOf }),
  });
  const say: Say = (line) => view.print(line);
  const triggers = await openTriggers(options.dir, say);
  const kafka = await openKafka(options, io, say);
  try {
    if (kafka.configPath !== undefined) say(`KAFKA_CONFIG=${kafka.configPath}`);
    if (kafka.bootstrapServers !== '') say(`KAFKA_BROKERS=${kafka.bootstrapServers}`);
    stack = await LocalStack.start({
      kafka,
      manifests: options.dir,
      secrets: createFileSecrets(options.dir),
      triggers,
      env: io.env,
      onLine: (key, replica, line) => say(`${key}[${replica}] ${line}`),
      onMessage: say,
      onTriggers: async (wanted) => {
        if (wanted.length === 0) say('no manifest declares a trigger yet');
        if (kafka.isLocal) await createTopics(kafka, wanted, options.partitions, say);
      },
    });
    say(`ADMIN_URL=${stack.adminUrl}`);
    say(`millrace triggers --gateway ${stack.adminUrl} shows what each trigger does`);
    const { bootstrapServers } = kafka;
    if (options.json) printJson(io, { adminUrl: stack.adminUrl, kafkaBrokers: bootstrapServers });
    const end = await Promise.race([untilAborted(io.signal), kafka.died.then(() => 'died')]);
    if (end === 'died') say('the local Kafka has died');
    return end === 'died' ? 1 : 0;
  } finally {
    if (stack !== undefined) say('stopping: waiting for requests in flight (Ctrl-C again stops at once)');
    await stack?.stop();
    triggers.close();
    view.stop();
    if (kafka.isLocal) say('stopping the local Kafka');
    await kafka.stop();
    say('stopped');
  }
}

type Say = (line: string) => void;

async function openTriggers(dir: string, say: Say): Promise<SharedTriggers> {
  const isFolder = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `there is no folder ${dir}: name a folder with manifests`,
    );
  const manifests = createFileTriggers({
    path: dir,
    checkExpression,
    onProblems: (problems) => {
      say('the manifests have mistakes, so the triggers stay as they were:');
      for (const problem of problems) say(`  ${formatProblem(problem)}`);
    },
  });
  return shareTriggers(manifests);
}

async function openKafka({ kafkaDir }: DevOptions, io: CommandIo, say: Say): Promise<UsedKafka> {
  const { KAFKA_BROKERS: brokers = '', KAFKA_CONFIG: configPath = '' } = io.env;
  if (brokers !== '' || configPath !== '') return foreignKafka(brokers, configPath || undefined);
  say('starting a local Kafka');
  return startOwnKafka({ dir: kafkaDir, log: say, signal: io.signal });
}

/** Retries a few times, because the local broker may not be ready yet. Triggers start by themselves once their topics exist. */
async function createTopics(
  { bootstrapServers }: UsedKafka,
  wanted: readonly Subscription[],
  partitions: number,
  say: Say,
): Promise<void> {
  const topics = topicsOf(wanted);
  for (let tries = 1; tries <= 5; tries += 1) {
    try {
      const created = await ensureTopics(bootstrapServers, topics, partitions);
      if (created.length > 0) say(`created ${created.join(', ')} with ${partitions} partitions`);
      return;
    } catch (error) {
      if (tries === 5) say(`cannot create ${topics.join(', ')}: ${describeError(error)}`);
      await sleep(1000);
    }
  }
}
