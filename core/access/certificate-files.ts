// The TLS files of a port: certificate, key, and optionally the CA that client certificates must come from. Read again at an interval.
// Files that do not match are reported and not used: a key may be written a moment after its certificate.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { describeError, MillraceError } from '../contract/errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** Clients must present a certificate that this CA has issued. */
  readonly clientCaPath?: string | undefined;
}

export interface LoadedCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

export interface CertificateFilesOptions {
  readonly files: TlsFiles;
  /** New files are in use. `validTo` is the date in the certificate, as X.509 formats it. */
  readonly onChanged: (validTo: string) => void;
  /** New files cannot be used; the previous ones stay in use. Called once for each reason. */
  readonly onFailed: (error: Error) => void;
  /** Milliseconds between two reads of the files; 10,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface CertificateFiles {
  current(): LoadedCertificate;
  /** `listener` is called with changed files, before `onChanged`. */
  onRenewed(listener: (loaded: LoadedCertificate) => void): void;
  close(): void;
}

/** Rejects with MILLRACE_CONFIG_INVALID if the files do not match. */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { files, onChanged, onFailed, checkMs = 10_000 } = options;
  const listeners: ((loaded: LoadedCertificate) => void)[] = [];
  let loaded = await load(files);
  let failure: string | undefined;

  async function reload(): Promise<void> {
    try {
      const found = await load(files);
      failure = undefined;
      if (isSame(found, loaded)) return;
      loaded = found;
      for (const listener of listeners) listener(loaded);
      onChanged(new X509Certificate(loaded.cert).validTo);
    } catch (error) {
      const text = describeError(error);
      if (text !== failure) onFailed(error as Error);
      failure = text;
    }
  }

  const timer = setInterval(() => void reload(), checkMs);
  timer.unref();
  return {
    current: () => loaded,
    onRenewed: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

async function load({ certPath, keyPath, clientCaPath }: TlsFiles): Promise<LoadedCertificate> {
  try {
    const [cert, key, clientCa] = await Promise.all([
      readFile(certPath),
      readFile(keyPath),
      clientCaPath === undefined ? undefined : readFile(clientCaPath),
    ]);
    createSecureContext({ cert, key, ca: clientCa });
    // The secure context accepts a CA file without a certificate.
    if (clientCa !== undefined) new X509Certificate(clientCa);
    return { cert, key, clientCa };
  } catch (error) {
    const paths = [certPath, keyPath, ...(clientCaPath === undefined ? [] : [clientCaPath])].join(', ');
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `cannot use the TLS files ${paths}`, { cause: error });
  }
}

function isSame(a: LoadedCertificate, b: LoadedCertificate): boolean {
  const clientCa = a.clientCa?.equals(b.clientCa ?? Buffer.alloc(0)) ?? b.clientCa === undefined;
  return clientCa && a.cert.equals(b.cert) && a.key.equals(b.key);
}
