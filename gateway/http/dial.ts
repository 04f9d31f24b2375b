// New connections to functions: plain or TLS, to names with several addresses, with or without a guard on addresses. In TLS 1.3 a function refuses
// a client certificate after the client has finished its handshake, so a connection is used only once the function has accepted it
// (`whenAdmitted`).
import { connect, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, TLSSocket, type SecureContextOptions } from 'node:tls';
import { MillraceError } from '../../core/contract/errors.ts';
import type { FunctionTlsCredentials } from '../../core/contract/function-access.ts';
import type { ConnectGuard } from '../../core/network/connect-guard.ts';
import { tlsDetailOf, tlsFailureOf, type TlsFailure } from '../../core/network/tls-failure.ts';
import type { Target } from './target.ts';

export interface Connecting {
  /** Absent: connections to any address are allowed. */
  readonly guard?: ConnectGuard | undefined;
  /** Absent: no client certificate is sent, and the certificate authorities that Node.js knows are trusted. */
  readonly tls?: FunctionTlsCredentials | undefined;
}

export interface Dialing {
  /** The connection can carry requests. Called at most once, and never together with `onFailure`. */
  readonly onConnected: (socket: Socket) => void;
  /** There is no connection, and nothing was sent. Called at most once. */
  readonly onFailure: (error: Error & { readonly code?: string }) => void;
  /** What comes on the connection. The bytes are overwritten once it returns. */
  readonly onBytes: (bytes: Buffer) => void;
}

/** Limit for a connection with its handshake, in ms. */
const limitMs = 3_000;
/** How long one address of a name has before the next one is tried, too (RFC 8305, section 5), in ms. */
const nextAddressMs = 250;
/** Without a session ticket or an error within this time, in ms, the connection counts as accepted: some servers send no ticket. */
const admissionMs = 250;
/** What is read at once from a plain connection, in bytes. */
const readBytes = 8_192;

/** Connects to `target`. Returns a function that gives up; then nothing is called any more. */
export function dial(target: Target, connecting: Connecting, dialing: Dialing): () => void {
  let isOver = false;
  let socket: Socket | undefined;
  const end = (report: () => void): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    report();
  };
  const fail = (error: Error): void =>
    end(() => {
      socket?.destroy();
      dialing.onFailure(target.isTls ? explainTls(error) : explainTcp(error));
    });
  const timer = setTimeout(() => fail(noConnection()), limitMs);
  const start = (): void => {
    if (isOver) return;
    try {
      socket = open(target, connecting, dialing.onBytes);
    } catch (error) {
      // OpenSSL throws at once for a certificate that it does not take, such as one with a short key.
      process.nextTick(fail, error);
      return;
    }
    const made = socket;
    made.on('error', fail);
    made.on('close', closed);
    whenOpen(made, (refusal) => {
      if (refusal !== undefined) fail(refusal);
      else
        end(() => {
          made.off('error', fail).off('close', closed);
          dialing.onConnected(made);
        });
    });
  };
  const closed = (): void => fail(new Error('the function closed the connection'));
  const { guard } = connecting;
  // node:net looks no address up, so the guard checks one here.
  if (guard === undefined) start();
  else guard.checkAddress(target.host).then(start, fail);
  return () => end(() => void socket?.destroy());
}

function open(target: Target, { guard, tls = {} }: Connecting, onBytes: (bytes: Buffer) => void): Socket {
  const options: TcpNetConnectOpts = {
    host: target.host,
    port: target.port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAddressMs,
    ...(guard && { lookup: guard.lookup }),
  };
  if (target.isTls)
    return connectTls({ ...options, ...tlsOptions(tls), ALPNProtocols: ['http/1.1'] }).on('data', onBytes);
  const onread: OnReadOpts = {
    buffer: Buffer.allocUnsafe(readBytes),
    callback: (size, buffer) => {
      onBytes((buffer as Buffer).subarray(0, size));
      return true;
    },
  };
  return connect({ ...options, onread });
}

function whenOpen(socket: Socket, onDecided: (refusal: Error | undefined) => void): void {
  if (socket instanceof TLSSocket) socket.once('secureConnect', () => whenAdmitted(socket, onDecided));
  else socket.once('connect', () => onDecided(undefined));
}

function tlsOptions({
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
function whenAdmitted(socket: TLSSocket, onDecided: (refusal: Error | undefined) => void): void {
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
  if (failure === undefined) return explainTcp(error);
  const message = `no TLS connection to the function: ${explanations[failure]} (${code}: ${tlsDetailOf(error)})`;
  return new MillraceError('MILLRACE_FUNCTION_TLS_FAILED', message);
}

/** Where several addresses were tried, Node.js has an error for each. */
function explainTcp(error: Error & { readonly code?: string }): Error {
  if (!(error instanceof AggregateError)) return error;
  const message = error.errors.map((one: Error) => one.message).join('; ');
  return Object.assign(new Error(message), { code: (error as { code?: string }).code });
}

function noConnection(): Error {
  return Object.assign(new Error(`no connection within ${limitMs} ms`), { code: 'ETIMEDOUT' });
}
