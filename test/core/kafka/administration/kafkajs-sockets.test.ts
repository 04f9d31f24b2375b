// Connections that are made anew when credentials are renewed: a server that answers when the test says so, as a broker does.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Credentials } from '../../../../core/contract/kafka-access.ts';
import type { RotatingCredentials } from '../../../../core/credentials/rotating-credentials.ts';
import { createSocketFactory } from '../../../../core/kafka/administration/kafkajs-sockets.ts';
import { until } from '../../../scaler/fixtures/until.ts';

function credentialsOf(credentials: Credentials | Error) {
  const listeners: (() => void)[] = [];
  const live: RotatingCredentials<Credentials> = {
    current: () => {
      if (credentials instanceof Error) throw credentials;
      return credentials;
    },
    ready: async () => undefined,
    onRenewed: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
    close: () => undefined,
  };
  return { live, renew: () => listeners.forEach((listener) => listener()) };
}

async function serve(t: Test): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** An answer of so many bytes, with its length before it. */
function answerOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes);
  return Buffer.concat([length, Buffer.alloc(bytes, 7)]);
}

async function open(t: Test, live: RotatingCredentials<Credentials> | undefined, port: number) {
  const ends: Error[] = [];
  const socket = createSocketFactory({ credentials: live })({
    host: '127.0.0.1',
    port,
    ssl: {},
    onConnect: () => undefined,
  });
  socket.on('error', (error) => ends.push(error)).on('data', () => undefined);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return { socket, ends };
}

t.test('a connection with nothing under way ends at once when credentials are renewed', async (t) => {
  const { port } = await serve(t);
  const { live, renew } = credentialsOf({});
  const { ends } = await open(t, live, port);
  renew();
  await until(() => ends.length === 1);
  t.match(ends[0], { message: /credentials were renewed/ });
});

t.test('one with requests under way ends with the last answer, in whatever pieces that comes', async (t) => {
  const { port, sockets } = await serve(t);
  const { live, renew } = credentialsOf({});
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 3, max: 17 }), async (answers, pieceBytes) => {
      const seen = sockets.length;
      const { socket, ends } = await open(t, live, port);
      await until(() => sockets.length > seen);
      for (const _ of answers) socket.write('a request');
      renew();
      const bytes = Buffer.concat(answers.map(answerOf));
      let received = 0;
      socket.on('data', (chunk: Buffer) => (received += chunk.length));
      const broker = sockets[seen]!;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        if (ends.length > 0) return false;
        broker.write(bytes.subarray(at, at + pieceBytes));
        const sent = Math.min(at + pieceBytes, bytes.length);
        await until(() => received === sent);
      }
      await until(() => ends.length === 1);
      return received === bytes.length;
    }),
    { numRuns: 8 },
  );
});

t.test('what was not opened by credentials stays', async (t) => {
  const { port } = await serve(t);
  const { ends, socket } = await open(t, undefined, port);
  t.strictSame([ends, socket.destroyed], [[], false]);
});

t.test('without credentials there is no connection, but the reason', async (t) => {
  const reason = new Error('the Secret is not there');
  const socket = createSocketFactory({ credentials: credentialsOf(reason).live })({
    host: '127.0.0.1',
    port: 1,
    ssl: {},
    onConnect: () => t.fail('connected'),
  });
  t.equal((await once(socket, 'error'))[0], reason);
});
