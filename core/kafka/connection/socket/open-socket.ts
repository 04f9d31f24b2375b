// A TCP or TLS connection to a broker, by the credentials of the moment, and only to where the guard lets it go.
import { connect, isIP, Socket, type NetConnectOpts } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Credentials } from '../../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../../credentials/rotating-credentials.ts';
import { guardedTarget, type ConnectGuard } from '../../../network/connect-guard.ts';

/** Shorter than what firewalls forget a connection after. */
const keepAliveDelayMs = 60_000;

export interface OpenSocketOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: plain text, to whoever answers. */
  readonly credentials?: Pick<RotatingCredentials<Credentials>, 'current'> | undefined;
  /** Absent: to any address. */
  readonly guard?: ConnectGuard | undefined;
}

/** `onConnect` is called once the connection can be written to: after the handshake of TLS. It fails by an `error` of the socket alone. */
export function openSocket(options: OpenSocketOptions, onConnect: () => void): Socket {
  const socket = connectBy(options, onConnect);
  // Requests are written whole: to wait for more would only delay them.
  return socket.setKeepAlive(true, keepAliveDelayMs).setNoDelay(true);
}

function connectBy({ host, port, credentials, guard }: OpenSocketOptions, onConnect: () => void): Socket {
  const target = guard === undefined ? { host } : guardedTarget(guard, host);
  const address = { ...target, port } satisfies NetConnectOpts;
  if (credentials === undefined) return connect(address, onConnect);
  try {
    const options = tlsOptions(credentials.current(), host);
    return options === undefined
      ? connect(address, onConnect)
      : connectTls({ ...address, ...namedAs(host), ...options }, onConnect);
  } catch (error) {
    return new Socket().destroy(error as Error);
  }
}

/** Whose certificate is expected, whatever the host is called that is connected to. */
function namedAs(host: string): ConnectionOptions {
  return { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) };
}

/** Undefined: plain text. */
export function tlsOptions({ tls }: Credentials, host: string): ConnectionOptions | undefined {
  if (tls === undefined) return undefined;
  const { ca, certificate, key, keyPassword, verifyHostname } = tls;
  return {
    ca,
    cert: certificate,
    key,
    passphrase: keyPassword,
    minVersion: 'TLSv1.2',
    // Server Name Indication is for names only (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  };
}
