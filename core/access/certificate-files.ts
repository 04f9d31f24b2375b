// What a port of ours shows, and by which authority it lets clients in: PEM files, read again when they change. Those that do not go
// together are told and left aside: a key may be written a moment after its certificate.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { describeError, MillraceError } from '../contract/errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** Whoever calls must show a certificate of this CA. */
  readonly clientCaPath?: string | undefined;
}

export interface LoadedCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

export interface CertificateFilesOptions {
  readonly files: TlsFiles;
  /** The new ones are in use; `validTo` as X.509 has it. */
  readonly onChanged: (validTo: string) => void;
  /** They cannot be used, once for each reason: those before stay in use. */
  readonly onFailed: (error: Error) => void;
  /** Milliseconds between two looks at the files; 10,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface CertificateFiles {
  current(): LoadedCertificate;
  /** Called for each that is other than before, ahead of `onChanged`. */
  onRenewed(listener: (loaded: LoadedCertificate) => void): void;
  close(): void;
}

/** Rejects with MILLRACE_CONFIG_INVALID where the files do not go together. */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { files, onChanged, onFailed, checkMs = 10_000 } = options;
  const listeners: ((loaded: LoadedCertificate) => void)[] = [];
  let loaded = await load(files);
  let failure: string | undefined;

  async function look(): Promise<void> {
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

  const timer = setInterval(() => void look(), checkMs);
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
    // Of a CA that is none, the secure context says nothing.
    if (clientCa !== undefined) new X509Certificate(clientCa);
    return { cert, key, clientCa };
  } catch (error) {
    const paths = [certPath, keyPath, ...(clientCaPath === undefined ? [] : [clientCaPath])].join(', ');
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `No TLS with ${paths}`, { cause: error });
  }
}

function isSame(a: LoadedCertificate, b: LoadedCertificate): boolean {
  const clientCa = a.clientCa?.equals(b.clientCa ?? Buffer.alloc(0)) ?? b.clientCa === undefined;
  return clientCa && a.cert.equals(b.cert) && a.key.equals(b.key);
}
