// Connections to brokers that a tenant names: which address each of them leads to is judged as it is made.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import type { Credentials } from '../../../../../core/contract/kafka-access.ts';
import {
  openSocket,
  type OpenSocketOptions,
} from '../../../../../core/kafka/connection/socket/open-socket.ts';
import { createAuthority } from '../../../../fixtures/access/authority.ts';
import { countConnections, guardOf, type Names } from '../../../../fixtures/tenant-guard.ts';

type Way = Pick<OpenSocketOptions, 'credentials' | 'guard'>;

/** `connected`, or the error. */
function outcome(options: Way, host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const onConnect = (): void => {
      resolve('connected');
      socket.destroy();
    };
    const socket = openSocket({ ...options, host, port }, onConnect);
    socket.once('error', resolve);
  });
}

const heldBy = (credentials: Credentials): OpenSocketOptions['credentials'] => ({
  current: () => credentials,
});
const ways: readonly Way[] = [
  {},
  { credentials: heldBy({}) },
  { credentials: heldBy({ tls: { verifyHostname: true } }) },
];

t.test(
  'no connection is made to a refused address, by name or by itself, in plain text or TLS',
  async (t) => {
    const { port, connections } = await countConnections(t);
    const guard = guardOf({ 'kafka.test': '127.0.0.2', 'cloud.test': '169.254.169.254' });
    for (const way of ways)
      for (const host of ['127.0.0.2', '::1', '0.0.0.0', '::ffff:127.0.0.1', 'kafka.test', 'cloud.test'])
        t.match(await outcome({ ...way, guard }, host, port), { code: 'MILLRACE_ADDRESS_REFUSED' }, host);
    t.equal(connections(), 0);
  },
);

t.test('a name that leads elsewhere by the next connection is judged anew', async (t) => {
  const { port, connections } = await countConnections(t);
  const names: Names = { 'kafka.test': '127.0.0.1' };
  const guard = guardOf(names);
  t.equal(await outcome({ guard }, 'kafka.test', port), 'connected');
  names['kafka.test'] = '127.0.0.2';
  t.match(await outcome({ guard }, 'kafka.test', port), {
    message: 'kafka.test resolves to 127.0.0.2, which is not open',
  });
  t.equal(await outcome({ guard }, '127.0.0.1', port), 'connected');
  t.equal(connections(), 2);
});

t.test('it is told alike whether anything listens there or not', async (t) => {
  const { port } = await countConnections(t);
  const guard = guardOf({});
  const told = await Promise.all([port, 1].map((at) => outcome({ guard }, '127.0.0.2', at)));
  t.strictSame(String(told[0]), String(told[1]));
});

t.test('a certificate has to be for the host that was named, as without a guard', async (t) => {
  const authority = await createAuthority('/CN=Kafka CA');
  const { certificate, key } = await authority.issue({
    subject: '/CN=broker',
    names: ['DNS:kafka.test', 'IP:127.0.0.1'],
  });
  const server = createTlsServer({ cert: certificate, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  const { port } = server.address() as AddressInfo;
  const guard = guardOf({ 'kafka.test': '127.0.0.1', 'other.test': '127.0.0.1' });
  const by = (verifyHostname: boolean) => ({
    guard,
    credentials: heldBy({ tls: { ca: authority.certificate, verifyHostname } }),
  });
  t.equal(await outcome(by(true), 'kafka.test', port), 'connected');
  t.equal(await outcome(by(true), '127.0.0.1', port), 'connected');
  t.match(await outcome(by(true), 'other.test', port), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  t.equal(await outcome(by(false), 'other.test', port), 'connected');

  const unnamed = await authority.issue({ subject: '/CN=broker', names: ['DNS:kafka.test'] });
  server.setSecureContext({ cert: unnamed.certificate, key: unnamed.key });
  t.match(await outcome(by(true), '127.0.0.1', port), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});
