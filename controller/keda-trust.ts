// What KEDA and the scaler know each other by, as files have it. They are read again and again; what was read last stays while one
// of them cannot be.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { describeError } from '../core/contract/errors.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';

export interface KedaTrust {
  /** The CA of the scaler, PEM. */
  readonly ca: string;
  /** Another one with each change of what KEDA has to know, or may have to show. */
  readonly revision: string;
}

export interface KedaTrustOptions {
  readonly caPath: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly log: Logger;
  readonly onChange: () => void;
  /** Milliseconds between two looks; 30,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface WatchedKedaTrust {
  /** Undefined without a CA, and until it could be read. */
  now(): KedaTrust | undefined;
  stop(): void;
}

/** Resolves after the first read. */
export async function watchKedaTrust({
  caPath,
  tls,
  log,
  onChange,
  checkMs,
}: KedaTrustOptions): Promise<WatchedKedaTrust> {
  if (caPath === undefined) return { now: () => undefined, stop: () => undefined };
  // Whoever renews the certificate of the scaler renews KEDA's, which is not known here, by the same clock.
  const shown = tls?.clientCaPath === undefined ? [] : [tls.clientCaPath, tls.certPath];
  let trust: KedaTrust | undefined;
  const read = async (): Promise<void> => {
    try {
      const [ca = '', ...more] = await Promise.all([caPath, ...shown].map((path) => readFile(path, 'utf8')));
      const revision = createHash('sha256')
        .update(JSON.stringify([ca, ...more]))
        .digest('hex')
        .slice(0, 16);
      const isNew = revision !== trust?.revision;
      trust = { ca, revision };
      if (isNew) onChange();
    } catch (error) {
      log.warn({ path: caPath, error: describeError(error) }, 'SCALER_TLS_CA cannot be read');
    }
  };
  await read();
  const timer = setInterval(() => void read(), checkMs ?? 30_000);
  return { now: () => trust, stop: () => clearInterval(timer) };
}
