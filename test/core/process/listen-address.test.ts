import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import type { networkInterfaces } from 'node:os';
import t from 'tap';
import { listenAddress } from '../../../core/process/listen-address.ts';

const having = (...families: ('IPv4' | 'IPv6')[]): typeof networkInterfaces =>
  (() => ({
    lo: families.map((family) => ({ family })),
    gone: undefined,
  })) as unknown as typeof networkInterfaces;

t.test('any address is of both IP families where the machine has IPv6', async (t) => {
  t.equal(listenAddress('any', having('IPv4', 'IPv6')), '::');
  t.equal(listenAddress('any', having('IPv4')), '0.0.0.0');
  t.equal(listenAddress('10.0.0.1', having('IPv4', 'IPv6')), '10.0.0.1');
});

t.test('a port at any address takes IPv4 on this machine', async (t) => {
  const server = createServer((socket) => socket.end());
  server.listen(0, listenAddress('any'));
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  server.close();
  t.pass();
});
