// `millrace skip`: skips one record, and prints all of it, so that its content is not lost.
import { readFile } from 'node:fs/promises';
import { Agent, request, type Dispatcher } from 'undici';
import { describeError, errorTable, MillraceError, type ErrorCode } from '../../core/contract/errors.ts';
import { withoutCredentials } from '../../core/contract/manifest-problem.ts';
import type { CommandIo } from '../command-io.ts';

export interface SkipOptions {
  /** `namespace/name`, or a name in the namespace `default`. */
  readonly trigger: string;
  readonly topic?: string;
  readonly partition: number;
  /** A string, because an offset may exceed the range of a number. */
  readonly offset: string;
  readonly reason?: string;
  /** If false, no dead letter is stored, even if the trigger has a dead-letter topic. */
  readonly deadLetter: boolean;
  /** Admin URLs. If empty, those in MILLRACE_GATEWAY_URLS. */
  readonly gateway: readonly string[];
  /** File of the CAs that gateways are verified with. If absent, MILLRACE_GATEWAY_CA, else the CAs of Node.js. */
  readonly ca?: string;
}

const defaultUrl = 'http://127.0.0.1:9464';

/** The answer of a gateway about a record that was skipped, or will be. */
interface Skipped {
  readonly trigger: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly settlement: string;
  readonly message?: string;
  readonly deadLetter?: { readonly topic: string; readonly partition: number; readonly offset: string };
}

type Asked =
  | { readonly kind: 'skipped'; readonly text: string; readonly answer: Skipped }
  | { readonly kind: 'elsewhere' | 'unreachable'; readonly why: string };

/** Asks one gateway after the other until one has the partition. Prints the record on standard output as one JSON object. */
export async function runSkipCommand(options: SkipOptions, io: CommandIo): Promise<number> {
  const urls = urlsOf(options, io.env);
  const token = io.env.MILLRACE_ADMIN_TOKEN?.trim() || undefined;
  const caPath = options.ca ?? (io.env.MILLRACE_GATEWAY_CA?.trim() || undefined);
  const dispatcher = new Agent({ connect: caPath === undefined ? {} : { ca: await readFile(caPath) } });
  const others: (Asked & { readonly why: string })[] = [];
  try {
    for (const url of urls) {
      const asked = await ask(url, options, { token, dispatcher, signal: io.signal });
      if (asked.kind === 'skipped') {
        io.stdout.write(`${asked.text}\n`);
        io.stderr.write(`${outcomeText(asked.answer)}\n`);
        return 0;
      }
      others.push({ ...asked, why: `${url}: ${asked.why}` });
    }
  } finally {
    await dispatcher.destroy();
  }
  const isElsewhere = others.every(({ kind }) => kind === 'elsewhere');
  throw new MillraceError(
    isElsewhere ? 'MILLRACE_SKIP_ELSEWHERE' : 'MILLRACE_GATEWAY_UNREACHABLE',
    others.map(({ why }) => why).join('; '),
  );
}

function urlsOf({ gateway }: SkipOptions, env: NodeJS.ProcessEnv): string[] {
  const named = gateway.length > 0 ? gateway : (env.MILLRACE_GATEWAY_URLS ?? '').split(',');
  const urls = named.map((url) => url.trim()).filter((url) => url !== '');
  for (const url of urls) {
    if (!/^https?:\/\/[^@]*$/.test(url) || !URL.canParse(url))
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `${withoutCredentials(url)} is no address of a gateway: write an http:// or https:// URL without a user`,
      );
  }
  return urls.length > 0 ? urls : [defaultUrl];
}

interface Way {
  readonly token: string | undefined;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

async function ask(
  base: string,
  { trigger, topic, partition, offset, reason, deadLetter }: SkipOptions,
  { token, dispatcher, signal }: Way,
): Promise<Asked> {
  const key = trigger.includes('/') ? trigger : `default/${trigger}`;
  const path = key.split('/').map(encodeURIComponent).join('/');
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'millrace-skip',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const body = JSON.stringify({ topic, partition, offset, reason, deadLetter });
  let status: number;
  let text: string;
  try {
    const url = new URL(`v1/triggers/${path}/skip`, base.endsWith('/') ? base : `${base}/`);
    const response = await request(url, { method: 'POST', headers, body, signal, dispatcher });
    status = response.statusCode;
    text = await response.body.text();
  } catch (error) {
    if (signal.aborted) throw error;
    return { kind: 'unreachable', why: describeError(error) };
  }
  if (status >= 200 && status < 300) return { kind: 'skipped', text, answer: parse(text) as Skipped };
  const { code, message } = parse(text) as { code?: string; message?: string };
  if (code === 'MILLRACE_SKIP_ELSEWHERE') return { kind: 'elsewhere', why: message ?? '' };
  if (isKnown(code)) throw new MillraceError(code, `${base}: ${message ?? ''}`);
  return { kind: 'unreachable', why: `it answered ${status}, so it is no gateway of this version` };
}

function parse(text: string): object {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}

function isKnown(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorTable, code);
}

function outcomeText({
  trigger,
  topic,
  partition,
  offset,
  settlement,
  message,
  deadLetter,
}: Skipped): string {
  const place = `${trigger}: ${topic} partition ${partition} offset ${offset}`;
  if (settlement === 'pending') return `${place} will be skipped: ${message ?? ''}`;
  if (settlement !== 'skipped') return `${place} was ${settlement} before it could be skipped`;
  if (deadLetter === undefined)
    return `${place} is skipped. Save the printed record: no dead letter is stored`;
  return `${place} is skipped, and stored in ${deadLetter.topic} partition ${deadLetter.partition} offset ${deadLetter.offset}`;
}
