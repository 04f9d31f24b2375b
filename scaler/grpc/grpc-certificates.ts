// TLS credentials of the gRPC port: its own certificate, and the CA of the clients that may connect. A rotation closes no
// connection; new connections get the new certificate.
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import { openCertificateFiles, type TlsFiles } from '../../core/access/certificate-files.ts';
import type { EmitScaler } from '../scaler-events.ts';

export interface CertificatesOptions {
  readonly files: TlsFiles;
  readonly emit: EmitScaler;
  /** Milliseconds between two checks of the files. Default: 10,000. */
  readonly checkMs?: number | undefined;
}

export interface Certificates {
  /** With a client CA, only clients that present a certificate signed by it can connect. */
  readonly credentials: ServerCredentials;
  close(): void;
}

type Provider = experimental.CertificateProvider;

/** Rejects with MILLRACE_CONFIG_INVALID if certificate, key and CA do not match. */
export async function openCertificates({ files, emit, checkMs }: CertificatesOptions): Promise<Certificates> {
  const certificate = await openCertificateFiles({
    files,
    checkMs,
    onChanged: (validTo) => emit('certificateChanged', validTo),
    onFailed: (error) => emit('certificateFailed', error),
  });
  const identity = new Set<experimental.IdentityCertificateUpdateListener>();
  const ca = new Set<experimental.CaCertificateUpdateListener>();
  const notifyIdentity = (listener: experimental.IdentityCertificateUpdateListener): void => {
    const { cert, key } = certificate.current();
    listener({ certificate: cert, privateKey: key });
  };
  const notifyCa = (listener: experimental.CaCertificateUpdateListener): void => {
    const { clientCa } = certificate.current();
    listener(clientCa === undefined ? null : { caCertificate: clientCa });
  };
  certificate.onRenewed(() => {
    for (const listener of ca) notifyCa(listener);
    for (const listener of identity) notifyIdentity(listener);
  });

  const provider: Provider = {
    // The server misses a notification that comes before it has subscribed, hence the microtasks.
    addIdentityCertificateListener(listener) {
      identity.add(listener);
      queueMicrotask(() => notifyIdentity(listener));
    },
    removeIdentityCertificateListener: (listener) => void identity.delete(listener),
    addCaCertificateListener(listener) {
      ca.add(listener);
      queueMicrotask(() => notifyCa(listener));
    },
    removeCaCertificateListener: (listener) => void ca.delete(listener),
  };
  const isMutual = files.clientCaPath !== undefined;
  // The server's certificate comes first: grpc-js 1.14 declares the names of the first two parameters the wrong way round.
  const create = experimental.createCertificateProviderServerCredentials;
  return {
    credentials: create(provider, isMutual ? provider : null, isMutual),
    close: () => certificate.close(),
  };
}
