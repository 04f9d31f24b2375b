// Connections to functions: plain ones or TLS, through a guard or without. With TLS 1.3 a function says last, when the connection is made
// for us, that it does not accept our certificate: a connection is handed over when it has spoken.
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { MillraceError } from '../../core/contract/errors.ts';
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import { tlsDetailOf, tlsFailureOf, type TlsFailure } from '../../core/network/tls-failure.ts';
import { createGuardedConnector, type ConnectGuard } from '../../core/network/connect-guard.ts';

export interface Connecting {
  /** Absent: any address may be connected to. */
  readonly guard?: ConnectGuard | undefined;
  /** Absent: nothing is shown, and those are trusted that Node.js knows. */
  readonly tls?: FunctionTlsCredentials | undefined;
}

/** Of a connection with its handshake, in ms. */
const limitMs = 3_000;
/** So long, in ms, a function has to speak: most do at once, with a ticket for the next connection; some have none. */
const admissionMs = 250;

/** For undici. Fails with MILLRACE_FUNCTION_TLS_FAILED where nothing was sent because of TLS. */
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

/** Calls `onWord` once, when the other side of a finished handshake has let us in, or with why not. */
export function whenAdmitted(socket: TLSSocket, onWord: (refusal: Error | undefined) => void): void {
  if (socket.getProtocol() !== 'TLSv1.3') return onWord(undefined);
  const end = (refusal?: Error): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
    socket.off('session', hear).off('error', end).off('close', closed);
    onWord(refusal);
  };
  const admitted = (): void => end();
  let immediate: NodeJS.Immediate | undefined;
  // It is told within a read of OpenSSL: who writes there reads no more.
  const hear = (): void => void (immediate ??= setImmediate(admitted));
  const closed = (): void => end(new Error('it closed the connection after the handshake'));
  const timer = setTimeout(admitted, admissionMs);
  socket.once('session', hear).once('error', end).once('close', closed);
}

const meanings: Readonly<Record<TlsFailure, string>> = {
  untrusted:
    'its certificate is of an authority that is not trusted: let function.tls.ca name the one that has signed it',
  'other-name':
    'its certificate is for another name: let function.tls.serverName be one that is in it, or have one made',
  expired: 'its certificate has expired: renew it',
  'not-accepted': 'its certificate is not accepted: see function.tls.ca',
  'no-tls': 'it does not speak TLS: leave function.tls out, or name a port where it does',
  'certificate-asked':
    'it asks for a client certificate: let function.tls.certificate and function.tls.key name one',
  'certificate-asked-or-refused':
    'it asks for a client certificate, or does not accept ours: see function.tls.certificate',
  'certificate-refused': 'it does not accept our certificate: see function.tls.certificate',
  handshake: 'the handshake failed, or it does not accept our certificate: see function.tls.certificate',
};

/** What the function says of TLS, with what to do; any other error as it is. */
function explainTls(error: Error & { readonly code?: string }): Error {
  const { code = 'closed' } = error;
  const isCut = code === 'closed' || code === 'ECONNRESET';
  const failure = tlsFailureOf(code) ?? (isCut ? 'handshake' : undefined);
  if (failure === undefined) return error;
  const message = `no TLS connection to the function: ${meanings[failure]} (${code}: ${tlsDetailOf(error)})`;
  return new MillraceError('MILLRACE_FUNCTION_TLS_FAILED', message);
}
