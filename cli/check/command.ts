// `millrace check`: asks what is deployed, by its addresses, whether it does its work. `helm test` runs it in the cluster.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { describeError, MillraceError } from '../../gateway/contract/errors.ts';
import { withoutCredentials } from '../../gateway/contract/problem.ts';
import type { CommandIo } from '../command-io.ts';

export interface CheckOptions {
  /** `http://` and `https://` that answer 2xx, `grpc://` and `grpcs://` that take a call. */
  readonly urls: readonly string[];
  /** File of the authority that signs for `grpcs://`; the system's when absent. */
  readonly ca?: string | undefined;
  /** How long each is waited for. */
  readonly limitMs: number;
}

/** Resolves where all is well, rejects with why it is not. */
type Probe = (timeoutMs: number, signal: AbortSignal) => Promise<void>;

const probeLimitMs = 5_000;
const pauseMs = 500;
const bodyLength = 500;

/** A line for each address; exit code 0 when all are well within the limit. */
export async function runCheckCommand({ urls, ca, limitMs }: CheckOptions, io: CommandIo): Promise<number> {
  const trust = ca === undefined ? null : await readFile(ca);
  const probes = urls.map((url) => [url, probeOf(url, trust)] as const);
  const results = await Promise.all(
    probes.map(async ([url, probe]) => {
      const failure = await firstSuccess(probe, limitMs, io.signal);
      io.stdout.write(failure === undefined ? `ok ${url}\n` : `not ok ${url}: ${failure}\n`);
      return failure === undefined;
    }),
  );
  return results.every(Boolean) ? 0 : 1;
}

/** Undefined, or why the last try failed when the limit was over. */
async function firstSuccess(probe: Probe, limitMs: number, signal: AbortSignal): Promise<string | undefined> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      await probe(probeLimitMs, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (performance.now() + pauseMs >= endMs) return describeError(error);
    }
    await delay(pauseMs, undefined, { signal });
  }
}

function probeOf(url: string, ca: Buffer | null): Probe {
  const isAddress = URL.canParse(url) && !url.includes('@');
  switch (isAddress ? new URL(url).protocol : '') {
    case 'http:':
    case 'https:':
      return (timeoutMs, signal) => probeHttp(url, timeoutMs, signal);
    case 'grpc:':
      return (timeoutMs) => probeGrpc(new URL(url).host, credentials.createInsecure(), timeoutMs);
    case 'grpcs:':
      return (timeoutMs) => probeGrpc(new URL(url).host, credentials.createSsl(ca), timeoutMs);
    default:
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `${withoutCredentials(url)} is no address that can be asked: http://, https://, grpc:// or grpcs://, without a user`,
      );
  }
}

async function probeHttp(url: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, bodyLength)}`);
}

/** Connected: the certificate, where there is one, is right for the name, and who answers speaks HTTP/2. */
async function probeGrpc(host: string, trust: ChannelCredentials, timeoutMs: number): Promise<void> {
  const client = new Client(host, trust);
  try {
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    client.close();
  }
}
