// `millrace blocked`: the records that block their lanes and the batches that cannot be read, with the command that skips each.
import { skipCommand } from '../../core/contract/skip.ts';
import { printJson, type CommandIo } from '../command-io.ts';
import {
  nobodyAnswered,
  openGatewayAdmin,
  parseObject,
  type GatewayAdmin,
  type GatewayOptions,
} from '../gateways/gateway-admin.ts';
import { findKey, listServed, routeOf, type ServedTriggers } from '../gateways/served-triggers.ts';

export interface BlockedOptions extends GatewayOptions {
  /** As for `skip`; undefined: all triggers. */
  readonly trigger: string | undefined;
  /** Prints an object for each record. */
  readonly json: boolean;
}

/** As a gateway tells it. */
interface BlockedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Of a batch; absent for a record. */
  readonly lastOffset?: string;
  readonly keyBytes?: number;
  readonly reason: string;
  readonly detail: string;
  readonly status?: number;
  readonly attempts: number;
  /** RFC 3339. */
  readonly since: string;
}

interface Found extends BlockedRecord {
  readonly trigger: string;
  readonly gateway: string;
}

interface Listing {
  readonly found: readonly Found[];
  /** How many more the gateways have, beyond those that they list. */
  readonly more: number;
  readonly silent: ServedTriggers['silent'];
}

/** Exit code 1 if a gateway did not answer, so that the list may lack records. */
export async function runBlockedCommand(options: BlockedOptions, io: CommandIo): Promise<number> {
  const admin = await openGatewayAdmin(options, io);
  try {
    const { found, more, silent } = await list(admin, options.trigger);
    for (const record of found) {
      const skip = `${skipCommand(record.trigger, { ...record, offset: BigInt(record.offset) })}${wayTo(record, options)}`;
      if (options.json) printJson(io, { ...record, skip });
      else io.stdout.write(`${textOf(record, skip)}\n`);
    }
    if (found.length === 0 && !options.json) io.stdout.write('no record blocks its lane\n');
    if (more > 0) io.stderr.write(`${more} more: a gateway lists the oldest of each trigger\n`);
    for (const { url, why } of silent) io.stderr.write(`${url} did not answer: ${why}\n`);
    return silent.length === 0 ? 0 : 1;
  } finally {
    await admin.close();
  }
}

async function list(admin: GatewayAdmin, trigger: string | undefined): Promise<Listing> {
  const key = trigger === undefined ? undefined : await findKey(admin, trigger);
  const { served, silent } = await listServed(admin);
  const stuck = served.filter(
    ({ snapshot: { blocked, unreadable, ...one } }) =>
      (blocked > 0 || unreadable > 0) && (key ?? one.key) === one.key,
  );
  if (key !== undefined && !served.some(({ snapshot }) => snapshot.key === key))
    throw nobodyAnswered(
      admin.urls.map((url) => ({ kind: 'elsewhere', url, why: `it does not serve the trigger ${key}` })),
    );
  const found = await Promise.all(
    stuck.map(async ({ url, snapshot }) => {
      const answer = await admin.ask(url, routeOf(snapshot.key, 'blocked'));
      if (answer.kind !== 'answered') return [];
      const { blocked = [] } = parseObject(answer.text) as { blocked?: readonly BlockedRecord[] };
      return blocked.map((record) => ({ trigger: snapshot.key, gateway: url, ...record }));
    }),
  );
  const all = found.flat().toSorted((a, b) => a.since.localeCompare(b.since));
  const known = stuck.reduce((sum, { snapshot: { blocked, unreadable } }) => sum + blocked + unreadable, 0);
  return { found: all, more: Math.max(0, known - all.length), silent };
}

/** The options by which `skip` reaches the same gateway. The environment needs none. */
function wayTo({ gateway }: Found, { gateway: named, ca }: BlockedOptions): string {
  const options = [
    ...(named.length > 0 ? ['--gateway', gateway] : []),
    ...ca.flatMap((file) => ['--ca', file]),
  ];
  return options.map((word) => ` ${/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuoted(word)}`).join('');
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function textOf(found: Found, skip: string): string {
  const { trigger, topic, partition, offset, lastOffset, since, reason, detail, attempts } = found;
  const place = `${trigger}: ${topic} partition ${partition}`;
  if (reason === 'unreadable') {
    const offsets =
      lastOffset === undefined ? `at offset ${offset}` : `of the offsets ${offset} to ${lastOffset}`;
    return [
      `${place}: the batch ${offsets} cannot be read, and its partition waits since ${since}`,
      `  ${detail}`,
      `  ${skip}`,
    ].join('\n');
  }
  const tries = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  return [
    `${place} offset ${offset} blocks its lane since ${since}`,
    `  ${reason} after ${tries}: ${detail}`,
    `  ${skip}`,
  ].join('\n');
}
