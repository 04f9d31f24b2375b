// `millrace skip`: skips one record, or one batch that cannot be read, and prints all of it, so that its content is not lost.
import {
  nobodyAnswered,
  openGatewayAdmin,
  parseObject,
  type GatewayOptions,
} from '../gateways/gateway-admin.ts';
import type { GatewayAdmin, Unanswered } from '../gateways/gateway-admin.ts';
import { findKey, routeOf } from '../gateways/served-triggers.ts';
import type { CommandIo } from '../command-io.ts';

export interface SkipOptions extends GatewayOptions {
  /** `namespace/name`, or a name that only one trigger has. */
  readonly trigger: string;
  readonly topic?: string;
  readonly partition: number;
  /** A string, because an offset may exceed the range of a number. */
  readonly offset: string;
  readonly reason?: string;
  /** If false, no dead letter is stored, even if the trigger has a dead-letter topic. */
  readonly deadLetter: boolean;
}

/** The answer of a gateway about a record that was skipped, or will be. */
interface Skipped {
  readonly trigger: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Of a batch; absent for a record. */
  readonly lastOffset?: string;
  readonly settlement: string;
  readonly message?: string;
  readonly deadLetter?: { readonly topic: string; readonly partition: number; readonly offset: string };
}

/** Asks one gateway after the other until one has the partition. Prints the record on standard output as one JSON object. */
export async function runSkipCommand(options: SkipOptions, io: CommandIo): Promise<number> {
  const admin = await openGatewayAdmin(options, io);
  try {
    const text = await skip(admin, options);
    io.stdout.write(`${text}\n`);
    io.stderr.write(`${outcomeText(parseObject(text) as Skipped)}\n`);
    return 0;
  } finally {
    await admin.close();
  }
}

async function skip(
  admin: GatewayAdmin,
  { trigger, topic, partition, offset, reason, deadLetter }: SkipOptions,
): Promise<string> {
  const route = routeOf(await findKey(admin, trigger), 'skip');
  const others: Unanswered[] = [];
  for (const url of admin.urls) {
    const answer = await admin.ask(url, route, { topic, partition, offset, reason, deadLetter });
    if (answer.kind === 'answered') return answer.text;
    others.push(answer);
  }
  throw nobodyAnswered(others);
}

function outcomeText({
  trigger,
  topic,
  partition,
  offset,
  lastOffset,
  settlement,
  message,
  deadLetter,
}: Skipped): string {
  const offsets =
    lastOffset === undefined ? `offset ${offset}` : `batch of the offsets ${offset} to ${lastOffset}`;
  const what = lastOffset === undefined ? 'record' : 'batch';
  const place = `${trigger}: ${topic} partition ${partition} ${offsets}`;
  if (settlement === 'pending') return `${place} will be skipped: ${message ?? ''}`;
  if (settlement !== 'skipped') return `${place} was ${settlement} before it could be skipped`;
  if (deadLetter === undefined)
    return `${place} is skipped. Save the printed ${what}: no dead letter is stored`;
  return `${place} is skipped, and stored in ${deadLetter.topic} partition ${deadLetter.partition} offset ${deadLetter.offset}`;
}
