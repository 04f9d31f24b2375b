// What the gRPC port shows to KEDA, and whom it lets in: certificates from files, read again when they change. A rotation ends
// no connection: what is open goes on, what is new sees the new certificate.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import { describeError, MillraceError } from '../../gateway/contract/errors.ts';
import type { TlsFiles } from '../config.ts';
import type { EmitScaler } from '../events.ts';

export interface CertificatesOptions {
  readonly files: TlsFiles;
  readonly emit: EmitScaler;
  /** Milliseconds between two looks at the files; 10,000 when absent. */
  readonly lookMs?: number | undefined;
}

export interface Certificates {
  /** With a client CA, only clients that show a certificate of it are let in. */
  readonly credentials: ServerCredentials;
  close(): void;
}

interface Loaded {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

type Provider = experimental.CertificateProvider;

/**
 * Rejects with MILLRACE_CONFIG_INVALID where the files do not go together. Later on, files that do not are told and left aside:
 * a key may be written a moment after its certificate.
 */
export async function openCertificates({ files, emit, lookMs }: CertificatesOptions): Promise<Certificates> {
  let loaded = await load(files);
  let failure: string | undefined;
  const identity = new Set<experimental.IdentityCertificateUpdateListener>();
  const ca = new Set<experimental.CaCertificateUpdateListener>();
  const tellIdentity = (listener: experimental.IdentityCertificateUpdateListener): void =>
    listener({ certificate: loaded.cert, privateKey: loaded.key });
  const tellCa = (listener: experimental.CaCertificateUpdateListener): void =>
    listener(loaded.clientCa === undefined ? null : { caCertificate: loaded.clientCa });

  const provider: Provider = {
    // The server hears only what it is told after it has subscribed.
    addIdentityCertificateListener(listener) {
      identity.add(listener);
      queueMicrotask(() => tellIdentity(listener));
    },
    removeIdentityCertificateListener: (listener) => void identity.delete(listener),
    addCaCertificateListener(listener) {
      ca.add(listener);
      queueMicrotask(() => tellCa(listener));
    },
    removeCaCertificateListener: (listener) => void ca.delete(listener),
  };

  async function look(): Promise<void> {
    try {
      const found = await load(files);
      failure = undefined;
      if (isSame(found, loaded)) return;
      loaded = found;
      for (const listener of ca) tellCa(listener);
      for (const listener of identity) tellIdentity(listener);
      emit('certificateChanged', new X509Certificate(loaded.cert).validTo);
    } catch (error) {
      const text = describeError(error);
      if (text !== failure) emit('certificateFailed', error as Error);
      failure = text;
    }
  }

  const timer = setInterval(() => void look(), lookMs ?? 10_000);
  timer.unref();
  const isMutual = files.clientCaPath !== undefined;
  // grpc-js 1.14 declares the names of these two the other way round; the certificate of the server comes first.
  const create = experimental.createCertificateProviderServerCredentials;
  return {
    credentials: create(provider, isMutual ? provider : null, isMutual),
    close: () => clearInterval(timer),
  };
}

async function load(files: TlsFiles): Promise<Loaded> {
  const { certPath, keyPath, clientCaPath } = files;
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

function isSame(a: Loaded, b: Loaded): boolean {
  const clientCa = a.clientCa?.equals(b.clientCa ?? Buffer.alloc(0)) ?? b.clientCa === undefined;
  return clientCa && a.cert.equals(b.cert) && a.key.equals(b.key);
}
