// `millrace check`: checks that deployed servers answer at their addresses. `helm test` runs it in the cluster.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { Agent, request, type Dispatcher } from 'undici';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import { withoutCredentials } from '../../core/contract/manifest-problem.ts';
import { printJson, type CommandIo } from '../command-io.ts';

/** Paths of PEM files. */
export interface CheckFiles {
  /** The CAs that `https://` and `grpcs://` servers are verified with. If empty, those of Node.js. */
  readonly ca: readonly string[];
  /** The client certificate for `grpcs://`, and its key: both, or neither. */
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}

export interface CheckOptions extends CheckFiles {
  /** `http://` and `https://` must answer 2xx, `grpc://` and `grpcs://` must accept a connection. */
  readonly urls: readonly string[];
  /** How long to wait for each URL. */
  readonly timeoutMs: number;
  /** Prints an object for each URL. */
  readonly json: boolean;
}

/** Resolves if the server answers as it should, else rejects with the reason. */
type Probe = (timeoutMs: number, signal: AbortSignal) => Promise<void>;

const probeLimitMs = 5_000;
const delayMs = 500;
const bodyLength = 500;

/** Prints a line for each URL. Resolves with exit code 0 if all checks succeed within their time. */
export async function runCheckCommand(options: CheckOptions, io: CommandIo): Promise<number> {
  const { urls, timeoutMs, json } = options;
  const trust = await readTrust(options);
  try {
    const probes = urls.map((url) => [url, probeOf(url, trust)] as const);
    const results = await Promise.all(
      probes.map(async ([url, probe]) => {
        const failure = await firstSuccess(probe, timeoutMs, io.signal);
        if (json) printJson(io, { url, ok: failure === undefined, error: failure });
        else io.stdout.write(failure === undefined ? `ok ${url}\n` : `not ok ${url}: ${failure}\n`);
        return failure === undefined;
      }),
    );
    return results.every(Boolean) ? 0 : 1;
  } finally {
    await trust.https.destroy();
  }
}

/** Retries until the time is over. Undefined after a success, else why the last attempt failed. */
async function firstSuccess(
  probe: Probe,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      await probe(probeLimitMs, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (performance.now() + delayMs >= endMs) return describeError(error);
    }
    await delay(delayMs, undefined, { signal });
  }
}

interface Trust {
  readonly https: Dispatcher;
  readonly grpcs: ChannelCredentials;
}

async function readTrust({ ca: paths, clientCert, clientKey }: CheckFiles): Promise<Trust> {
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new MillraceError(
      'MILLRACE_CONFIG_INVALID',
      '--client-cert and --client-key go together: give both, or neither',
    );
  const read = (path: string | undefined) => (path === undefined ? null : readFile(path));
  const authorities = await Promise.all(paths.map((path) => readFile(path)));
  const ca = authorities.length === 0 ? null : Buffer.concat(authorities);
  return {
    https: new Agent({ connect: ca === null ? {} : { ca } }),
    grpcs: credentials.createSsl(ca, await read(clientKey), await read(clientCert)),
  };
}

function probeOf(url: string, trust: Trust): Probe {
  const isAddress = URL.canParse(url) && !url.includes('@');
  switch (isAddress ? new URL(url).protocol : '') {
    case 'http:':
    case 'https:':
      return (timeoutMs, signal) =>
        probeHttp(url, trust.https, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    case 'grpc:':
      return (timeoutMs) => probeGrpc(new URL(url).host, credentials.createInsecure(), timeoutMs);
    case 'grpcs:':
      return (timeoutMs) => probeGrpc(new URL(url).host, trust.grpcs, timeoutMs);
    default:
      throw new MillraceError(
        'MILLRACE_CONFIG_INVALID',
        `${withoutCredentials(url)} cannot be checked: write an http://, https://, grpc:// or grpcs:// URL without a user`,
      );
  }
}

async function probeHttp(url: string, dispatcher: Dispatcher, signal: AbortSignal): Promise<void> {
  const { statusCode, body } = await request(url, { dispatcher, signal });
  const text = await body.text();
  if (statusCode < 200 || statusCode > 299) throw new Error(`${statusCode} ${text.slice(0, bodyLength)}`);
}

/** Succeeds if the server speaks HTTP/2 and, with TLS, has a certificate that is valid for the host name. */
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
