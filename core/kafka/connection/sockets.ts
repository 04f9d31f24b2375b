// The connections below kafkajs: TLS by the credentials of the moment. When these are renewed, each connection ends as soon as nothing
// is under way on it; kafkajs opens it again for its next request, and no request is lost.
import { connect, isIP, Socket, type NetConnectOpts } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import type { Credentials } from '../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../credentials/rotating-credentials.ts';
import { guardedTarget, type ConnectGuard } from '../../network/connect-guard.ts';

/** As kafkajs has it; shorter than what firewalls forget a connection after. */
const keepAliveDelayMs = 60_000;
/** So long, in ms, a connection may go on that always has something under way. */
const retireLimitMs = 30_000;

export interface SocketFactoryOptions {
  /** Absent: plain text, to whoever answers. */
  readonly credentials?: RotatingCredentials<Credentials> | undefined;
  /** Absent: to any address. */
  readonly guard?: ConnectGuard | undefined;
}

export function createSocketFactory(options: SocketFactoryOptions): ISocketFactory {
  const { credentials } = options;
  const open = new Set<TrackedSocket>();
  credentials?.onRenewed(() => {
    for (const socket of open) socket.retire();
  });
  return ({ host, port, onConnect }) => {
    const socket = openSocket(host, port, options, onConnect);
    socket.setKeepAlive(true, keepAliveDelayMs);
    if (credentials === undefined) return socket;
    const tracked = new TrackedSocket(socket);
    open.add(tracked);
    socket.once('close', () => open.delete(tracked));
    return socket;
  };
}

function openSocket(
  host: string,
  port: number,
  { credentials, guard }: SocketFactoryOptions,
  onConnect: () => void,
): Socket {
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

/** Knows how many requests are under way: kafkajs writes each at once, and each answer begins with its length. */
class TrackedSocket {
  readonly #socket: Socket;
  #underWay = 0;
  #isRetired = false;
  /** What is to come of the answer that is being read; of its length, the bytes that are there. */
  #bodyLeft = 0;
  #lengthRead = 0;
  #length = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
    socket.write = (...given: unknown[]): boolean => {
      this.#underWay += 1;
      return write(...given);
    };
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  retire(): void {
    this.#isRetired = true;
    this.#endWhereIdle();
    if (this.#socket.destroyed) return;
    const timer = setTimeout(() => this.#end(), retireLimitMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) {
        const taken = Math.min(this.#bodyLeft, chunk.length - at);
        at += taken;
        this.#bodyLeft -= taken;
        if (this.#bodyLeft === 0) this.#underWay -= 1;
      } else {
        this.#length = this.#length * 256 + Number(chunk[at]);
        at += 1;
        this.#lengthRead += 1;
        if (this.#lengthRead < 4) continue;
        this.#bodyLeft = this.#length;
        this.#length = this.#lengthRead = 0;
      }
    }
    if (this.#isRetired) this.#endWhereIdle();
  }

  #endWhereIdle(): void {
    if (this.#underWay <= 0) this.#end();
  }

  /** An error is what kafkajs listens for; it comes before whoever waited for the last answer asks for more. */
  #end(): void {
    this.#socket.destroy(new Error('the credentials were renewed: the connection is made anew'));
  }
}
