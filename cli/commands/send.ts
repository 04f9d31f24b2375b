// `millrace send`: stores records in a topic, from a file or standard input, and prints topic, partition and offset of each.
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import type { RecordSink, StoredAt } from '../../core/contract/record-sink.ts';
import type { ConnectionSettings } from '../../core/kafka/connection/connection-settings.ts';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import { printJson, type CommandIo } from '../command-io.ts';
import { connectionIn, withAdmin } from './brokers.ts';
import { checkRecordOptions, composeRecord, type RecordOptions } from './compose-records.ts';

export interface SendOptions extends RecordOptions {
  /** Standard input if absent. */
  readonly file?: string;
  /** Prints topic, partition and offset as JSON objects. */
  readonly json: boolean;
  /** A file of Kafka client properties. */
  readonly config?: string;
}

/** Limit on records in flight, because the input may be larger than memory. */
const maxInFlight = 1000;

/** Stores all records of the input in order. Stops at the first that Kafka rejects. */
export async function runSendCommand(options: SendOptions, io: CommandIo): Promise<number> {
  checkRecordOptions(options);
  const connection = await connectionIn(io.env, options.config, 'millrace-send');
  try {
    return await sendAll(connection, options, io);
  } finally {
    await connection.security?.close();
  }
}

async function sendAll(connection: ConnectionSettings, options: SendOptions, io: CommandIo): Promise<number> {
  await requireTopic(createKafka(connection), options.topic);
  const cluster = openCluster(connection);
  try {
    const inFlight: Promise<StoredAt>[] = [];
    const settleFirst = async (): Promise<void> => {
      const storedAt = await inFlight.shift();
      if (storedAt !== undefined) printPlace(storedAt, options.json, io);
    };
    for await (const input of inputsOf(options, io)) {
      if (io.signal.aborted) break;
      if (inFlight.length === maxInFlight) await settleFirst();
      inFlight.push(write(cluster.sink, input, options));
    }
    while (inFlight.length > 0) await settleFirst();
    return io.signal.aborted ? 130 : 0;
  } finally {
    await cluster.close();
  }
}

function write(sink: RecordSink, input: Buffer, options: SendOptions): Promise<StoredAt> {
  const stored = sink.write(composeRecord(input, options));
  stored.catch(() => undefined); // settleFirst awaits it later; until then, a rejection must not count as unhandled
  return stored;
}

/** Fails at once if the topic is missing. The Kafka client would wait for it, but the user may have mistyped its name. */
async function requireTopic(kafka: ReturnType<typeof createKafka>, topic: string): Promise<void> {
  const topics = await withAdmin(kafka, (admin) => admin.listTopics());
  if (!topics.includes(topic))
    throw new MillraceError('MILLRACE_TOPIC_MISSING', `there is no topic ${topic}`);
}

async function* inputsOf({ file, lines, null: isNull }: SendOptions, io: CommandIo): AsyncGenerator<Buffer> {
  if (isNull) {
    yield Buffer.alloc(0);
    return;
  }
  if (file === undefined && io.stdin.isTTY)
    io.stderr.write('Reading records from the terminal. Ctrl-D ends the input.\n');
  const stream = file === undefined ? io.stdin : createReadStream(file);
  io.signal.addEventListener('abort', () => stream.destroy(), { once: true });
  try {
    if (lines) yield* linesOf(stream);
    else yield await buffer(stream);
  } catch (error) {
    if (io.signal.aborted) return;
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      `cannot read ${file ?? 'standard input'}: ${describeError(error)}`,
    );
  }
}

/** The lines of a stream as bytes, without line ends. Text after the last line end is a line unless it is empty. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.subarray(0, rest[end - 1] === 0x0d ? end - 1 : end);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest;
}

function printPlace({ topic, partition, offset }: StoredAt, asJson: boolean, io: CommandIo): void {
  if (asJson) printJson(io, { topic, partition, offset: Number(offset) });
  else io.stdout.write(`${topic} partition ${partition} offset ${offset}\n`);
}
