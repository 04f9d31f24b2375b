// The connections below kafkajs, opened as our own are. When credentials are renewed, each ends as soon as nothing is under way on it; kafkajs
// opens it again for its next request, and no request is lost.
import type { Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import type { Credentials } from '../../contract/kafka-access.ts';
import type { RotatingCredentials } from '../../credentials/rotating-credentials.ts';
import type { ConnectGuard } from '../../network/connect-guard.ts';
import { openSocket } from '../connection/socket/open-socket.ts';

/** So long, in ms, a connection may go on that always has something under way. */
const retireLimitMs = 30_000;

export interface SocketFactoryOptions {
  /** Absent: plain text, to whoever answers. */
  readonly credentials?: RotatingCredentials<Credentials> | undefined;
  /** Absent: to any address. */
  readonly guard?: ConnectGuard | undefined;
  /** Of the names that kafkajs has in place of addresses that it cannot read. */
  readonly hosts?: ReadonlyMap<string, string> | undefined;
}

export function createSocketFactory(options: SocketFactoryOptions): ISocketFactory {
  const { credentials, guard, hosts } = options;
  const open = new Set<TrackedSocket>();
  credentials?.onRenewed(() => {
    for (const socket of open) socket.retire();
  });
  return ({ host: name, port, onConnect }) => {
    const host = hosts?.get(name) ?? name;
    const socket = openSocket({ host, port, credentials, guard }, onConnect);
    if (credentials === undefined) return socket;
    const tracked = new TrackedSocket(socket);
    open.add(tracked);
    socket.once('close', () => open.delete(tracked));
    return socket;
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
