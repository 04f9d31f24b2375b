// `millrace kafka`: runs a local Kafka in the foreground, for use by other programs.

import { once } from 'node:events';
import { describeError } from '../../core/contract/errors.ts';
import { printJson } from '../command-io.ts';
import { startLocalKafka, type LocalKafka } from '../kafka/local-kafka.ts';

export type KafkaCommandOptions = {
  port?: number | undefined;
  dir?: string | undefined;
  brokers?: number | undefined;
  /** Prints the brokers as a JSON object. */
  json?: boolean | undefined;
};

export type CommandIo = { stdout: NodeJS.WritableStream; stderr: NodeJS.WritableStream; signal: AbortSignal };

/**
 * Prints `KAFKA_BROKERS=…` on stdout when clients may connect, and runs until `io.signal` aborts. Resolves with the exit code:
 * 0 after a clean end, 1 if Kafka does not start or dies, 2 for invalid options.
 */
export async function runKafkaCommand(options: KafkaCommandOptions, io: CommandIo): Promise<number> {
  const say = (line: string): void => void io.stderr.write(`${line}\n`);
  const { port, dir, brokers = 1, json = false } = options;
  if (brokers !== 1 && brokers !== 3) {
    say(`--brokers must be 1 or 3, not ${brokers}.`);
    return 2;
  }
  let kafka: LocalKafka;
  try {
    kafka = await startLocalKafka({ port, dir, brokers, log: say });
  } catch (error) {
    if (io.signal.aborted) return 0;
    say(describeError(error));
    return 1;
  }
  try {
    const kafkaBrokers = kafka.bootstrapServers;
    if (json) printJson(io, { kafkaBrokers });
    else io.stdout.write(`KAFKA_BROKERS=${kafkaBrokers}\n`);
    say(
      dir === undefined
        ? 'Records are deleted when this command ends. Use --kafka-dir DIR to keep them.'
        : `Records are kept in ${dir}.`,
    );
    return await untilEnd(kafka, io.signal, say);
  } finally {
    say('Kafka stops.');
    await kafka.stop();
  }
}

async function untilEnd(
  kafka: LocalKafka,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  if (signal.aborted) return 0;
  const deaths = kafka.brokers.map(async ({ id, exited }) => ({ id, ...(await exited) }));
  const death = await Promise.race([once(signal, 'abort').then(() => undefined), ...deaths]);
  if (death === undefined) return 0;
  say(`Broker ${death.id} died (${death.signal ?? `exit code ${death.code}`}).`);
  return 1;
}
