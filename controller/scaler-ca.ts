// The CA that KEDA trusts the scaler by, read from its file again and again. While a file cannot be read, the last content counts.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { errorFields } from '../core/contract/errors.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';

export interface ScalerCa {
  /** PEM. */
  readonly ca: string;
  /** Changes whenever KEDA must read its authentication again: with the CA, and with the client certificate that KEDA may present. */
  readonly revision: string;
}

export interface ScalerCaOptions {
  readonly caPath: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly log: Logger;
  readonly onChange: () => void;
  /** Milliseconds between two reads; 30,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface WatchedScalerCa {
  /** Undefined without a CA, and until the first read succeeds. */
  current(): ScalerCa | undefined;
  stop(): void;
}

/** Resolves after the first read. */
export async function watchScalerCa({
  caPath,
  tls,
  log,
  onChange,
  checkMs,
}: ScalerCaOptions): Promise<WatchedScalerCa> {
  if (caPath === undefined) return { current: () => undefined, stop: () => undefined };
  // KEDA's client certificate is not readable here. It is renewed together with the scaler's certificate, so that one stands in for it.
  const clientFiles = tls?.clientCaPath === undefined ? [] : [tls.clientCaPath, tls.certPath];
  let current: ScalerCa | undefined;
  const read = async (): Promise<void> => {
    try {
      const [ca = '', ...more] = await Promise.all(
        [caPath, ...clientFiles].map((path) => readFile(path, 'utf8')),
      );
      const revision = createHash('sha256')
        .update(JSON.stringify([ca, ...more]))
        .digest('hex')
        .slice(0, 16);
      const isNew = revision !== current?.revision;
      current = { ca, revision };
      if (isNew) onChange();
    } catch (error) {
      log.warn(
        { path: caPath, ...errorFields(error) },
        'cannot read the CA of the scaler or its certificates; the last content that was read stays in use',
      );
    }
  };
  await read();
  const timer = setInterval(() => void read(), checkMs ?? 30_000);
  return { current: () => current, stop: () => clearInterval(timer) };
}
