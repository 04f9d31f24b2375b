// Connections to functions: plain or TLS, with or without a guard on addresses. In TLS 1.3 a function refuses a client certificate
// after the client has finished its handshake, so a connection is used only once the function has accepted it (`whenAdmitted`).
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { MillraceError } from '../../core/contract/errors.ts';
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import { tlsDetailOf, tlsFailureOf, type TlsFailure } from '../../core/network/tls-failure.ts';
import { createGuardedConnector, type ConnectGuard } from '../../core/network/connect-guard.ts';

export interface Connecting {
  /** Absent: connections to any address are allowed. */
  readonly guard?: ConnectGuard | undefined;
  /** Absent: no client certificate is sent, and the certificate authorities that Node.js knows are trusted. */
  readonly tls?: FunctionTlsCredentials | undefined;
}

/** Limit for a connection with its handshake, in ms. */
const limitMs = 3_000;
/** Without a session ticket or an error within this time, in ms, the connection counts as accepted: some servers send no ticket. */
const admissionMs = 250;

/** A connector for undici. It fails with MILLRACE_FUNCTION_TLS_FAILED where TLS failed, so that nothing was sent. */
export function createConnector({ guard, tls }: Connecting): buildConnector.connector {
  const options = { timeout: limitMs, ...(tls && tlsOptions(tls)) };
  const connect = guard === undefined ? buildConnector(options) : createGuardedConnector(guard, options);
  return (target, callback) => {
    if (target.protocol !== 'https:') return connect(target, callback);
    return connect(target, (...made) => {
      const [error, socket] = made;
      if (error !== null) return callback(explainTls(error), null);
      whenAdmitted(socket as TLSSocket, (refusal) => {
        if (refusal === undefined) return callback(null, socket);
        socket.destroy();
        callback(explainTls(refusal), null);
      });
    });
  };
}

export function tlsOptions({
  ca,
  certificate,
  key,
  keyPassword,
  serverName,
}: FunctionTlsCredentials): SecureContextOptions & { servername?: string } {
  return {
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** Calls `onDecided` once after a finished handshake: with undefined when the server has accepted the connection, or with its refusal. */
export function whenAdmitted(socket: TLSSocket, onDecided: (refusal: Error | undefined) => void): void {
  if (socket.getProtocol() !== 'TLSv1.3') return onDecided(undefined);
  const end = (refusal?: Error): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
    socket.off('session', onSession).off('error', end).off('close', onClose);
    onDecided(refusal);
  };
  const admitted = (): void => end();
  let immediate: NodeJS.Immediate | undefined;
  // The event comes from within a read of OpenSSL: writing to the socket there would stop that read.
  const onSession = (): void => void (immediate ??= setImmediate(admitted));
  const onClose = (): void => end(new Error('the function closed the connection after the handshake'));
  const timer = setTimeout(admitted, admissionMs);
  socket.once('session', onSession).once('error', end).once('close', onClose);
}

const explanations: Readonly<Record<TlsFailure, string>> = {
  untrusted:
    'its certificate is signed by an untrusted authority: set function.tls.ca to the authority that signed it',
  'other-name':
    'its certificate is for another name: set function.tls.serverName to a name in it, or issue one for this name',
  expired: 'its certificate has expired: renew it',
  'not-accepted': 'its certificate is not accepted: check function.tls.ca',
  'no-tls': 'it does not use TLS: remove function.tls, or name a port that uses TLS',
  'certificate-asked': 'it requires a client certificate: set function.tls.certificate and function.tls.key',
  'certificate-asked-or-refused':
    'it requires a client certificate, or does not accept ours: check function.tls.certificate',
  'certificate-refused': 'it does not accept our certificate: check function.tls.certificate',
  handshake: 'the handshake failed, or it does not accept our certificate: check function.tls.certificate',
};

/** Turns a TLS failure into an error that says what to do. Returns any other error unchanged. */
function explainTls(error: Error & { readonly code?: string }): Error {
  const { code = 'closed' } = error;
  const isCut = code === 'closed' || code === 'ECONNRESET';
  const failure = tlsFailureOf(code) ?? (isCut ? 'handshake' : undefined);
  if (failure === undefined) return error;
  const message = `no TLS connection to the function: ${explanations[failure]} (${code}: ${tlsDetailOf(error)})`;
  return new MillraceError('MILLRACE_FUNCTION_TLS_FAILED', message);
}
