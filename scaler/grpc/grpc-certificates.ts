// What the gRPC port shows to KEDA, and whom it lets in. A rotation ends no connection: what is open goes on, what is new sees the
// new certificate.
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import { openCertificateFiles, type TlsFiles } from '../../core/access/certificate-files.ts';
import type { EmitScaler } from '../scaler-events.ts';

export interface CertificatesOptions {
  readonly files: TlsFiles;
  readonly emit: EmitScaler;
  /** Milliseconds between two looks at the files; 10,000 when absent. */
  readonly checkMs?: number | undefined;
}

export interface Certificates {
  /** With a client CA, only clients that show a certificate of it are let in. */
  readonly credentials: ServerCredentials;
  close(): void;
}

type Provider = experimental.CertificateProvider;

/** Rejects with MILLRACE_CONFIG_INVALID where the files do not go together. */
export async function openCertificates({ files, emit, checkMs }: CertificatesOptions): Promise<Certificates> {
  const certificate = await openCertificateFiles({
    files,
    checkMs,
    onChanged: (validTo) => emit('certificateChanged', validTo),
    onFailed: (error) => emit('certificateFailed', error),
  });
  const identity = new Set<experimental.IdentityCertificateUpdateListener>();
  const ca = new Set<experimental.CaCertificateUpdateListener>();
  const tellIdentity = (listener: experimental.IdentityCertificateUpdateListener): void => {
    const { cert, key } = certificate.current();
    listener({ certificate: cert, privateKey: key });
  };
  const tellCa = (listener: experimental.CaCertificateUpdateListener): void => {
    const { clientCa } = certificate.current();
    listener(clientCa === undefined ? null : { caCertificate: clientCa });
  };
  certificate.onRenewed(() => {
    for (const listener of ca) tellCa(listener);
    for (const listener of identity) tellIdentity(listener);
  });

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
  const isMutual = files.clientCaPath !== undefined;
  // grpc-js 1.14 declares the names of these two the other way round; the certificate of the server comes first.
  const create = experimental.createCertificateProviderServerCredentials;
  return {
    credentials: create(provider, isMutual ? provider : null, isMutual),
    close: () => certificate.close(),
  };
}
