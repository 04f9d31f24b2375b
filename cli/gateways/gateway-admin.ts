// The admin ports of running gateways, and the metrics of scalers, as a command asks them: addresses, token, trust, and what an answer means.
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { describeError, errorTable, MillraceError, type ErrorCode } from '../../core/contract/errors.ts';
import { withoutCredentials } from '../../core/contract/manifest-problem.ts';
import type { CommandIo } from '../command-io.ts';

/** As they are written on the command line. */
export interface GatewayOptions {
  /** Admin URLs. If empty, those in MILLRACE_GATEWAY_URLS. */
  readonly gateway: readonly string[];
  /** Files of the CAs that servers are verified with. If empty, MILLRACE_GATEWAY_CA, else the CAs of Node.js. */
  readonly ca: readonly string[];
}

/** Why a server did not give what it was asked for. `elsewhere`: another gateway may have it. */
export interface Unanswered {
  readonly kind: 'elsewhere' | 'unreachable';
  readonly url: string;
  readonly why: string;
}

export type Answer = { readonly kind: 'answered'; readonly url: string; readonly text: string } | Unanswered;

export interface GatewayAdmin {
  /** At least one. */
  readonly urls: readonly string[];
  /** GET, or POST of a `body` as JSON. Rejects if the gateway refuses the request, whatever another one would say. */
  ask(url: string, path: string, body?: object): Promise<Answer>;
  close(): Promise<void>;
}

const defaultUrl = 'http://127.0.0.1:9464';

/** @throws MillraceError `MILLRACE_CONFIG_INVALID` for a URL that is none, or a file that cannot be read */
export async function openGatewayAdmin(
  { gateway, ca }: GatewayOptions,
  { env, signal }: CommandIo,
): Promise<GatewayAdmin> {
  const urls = urlsIn(gateway, env.MILLRACE_GATEWAY_URLS);
  const token = env.MILLRACE_ADMIN_TOKEN?.trim() || undefined;
  const trusted = await readAuthorities(ca, env);
  const dispatcher = new Agent({ connect: trusted === undefined ? {} : { ca: trusted } });
  return {
    urls: urls.length > 0 ? urls : [defaultUrl],
    ask: async (url, path, body) => {
      const headers: Record<string, string> = {
        'user-agent': 'millrace-cli',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const method = body === undefined ? 'GET' : 'POST';
      const sent = body === undefined ? null : JSON.stringify(body);
      try {
        const target = new URL(path, url.endsWith('/') ? url : `${url}/`);
        const response = await request(target, { method, headers, body: sent, signal, dispatcher });
        return answerOf(url, response.statusCode, await response.body.text());
      } catch (error) {
        if (signal.aborted || error instanceof MillraceError) throw error;
        return { kind: 'unreachable', url, why: describeError(error) };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

/** The URLs of options, else those of a variable, separated by commas. */
export function urlsIn(options: readonly string[], variable = ''): string[] {
  const named = options.length > 0 ? options : variable.split(',');
  const urls = named.map((url) => url.trim()).filter((url) => url !== '');
  for (const url of urls) {
    if (!/^https?:\/\/[^@]*$/.test(url) || !URL.canParse(url))
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `${withoutCredentials(url)} is no address: write an http:// or https:// URL without a user`,
      );
  }
  return urls;
}

/** The error for a question that nobody has answered. */
export function nobodyAnswered(others: readonly Unanswered[]): MillraceError {
  const isElsewhere = others.every(({ kind }) => kind === 'elsewhere');
  return new MillraceError(
    isElsewhere ? 'MILLRACE_SKIP_ELSEWHERE' : 'MILLRACE_GATEWAY_UNREACHABLE',
    others.map(({ url, why }) => `${url}: ${why}`).join('; '),
  );
}

async function readAuthorities(
  options: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string[] | undefined> {
  const fromEnvironment = env.MILLRACE_GATEWAY_CA?.trim() ?? '';
  const paths = options.length > 0 ? options : fromEnvironment === '' ? [] : [fromEnvironment];
  if (paths.length === 0) return undefined;
  try {
    return await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  } catch (cause) {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', 'cannot read the CA certificates', { cause });
  }
}

function answerOf(url: string, status: number, text: string): Answer {
  if (status >= 200 && status < 300) return { kind: 'answered', url, text };
  const { code, message } = parseObject(text) as { code?: string; message?: string };
  if (code === 'MILLRACE_SKIP_ELSEWHERE') return { kind: 'elsewhere', url, why: message ?? '' };
  if (isKnown(code)) throw new MillraceError(code, `${url}: ${message ?? ''}`);
  return { kind: 'unreachable', url, why: `it answered ${status}, which this version of Millrace does not` };
}

/** The object in a JSON text; an empty one if there is none. */
export function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isKnown(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorTable, code);
}
