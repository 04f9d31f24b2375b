// Why a broker does not answer, told by how far we came; and how one that is away is left alone. The brokers are sockets of the test.
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import t, { type Test } from 'tap';
import { describeError } from '../../../../core/contract/errors.ts';
import type { Credentials } from '../../../../core/contract/kafka-access.ts';
import {
  createConnections,
  type ConnectionsOptions,
} from '../../../../core/kafka/connection/broker-connections.ts';
import { createSasl, type SaslMechanism } from '../../../../core/kafka/connection/security/sasl.ts';
import { metadataRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import type { RotatingCredentials } from '../../../../core/credentials/rotating-credentials.ts';
import { emptyMetadata, frame, serveKafka, startScriptedBroker } from '../fixtures/scripted-broker.ts';
import { createAuthority } from '../../../fixtures/access/authority.ts';
import { until } from '../../../scaler/fixtures/until.ts';

t.setTimeout(60_000);
const authority = await createAuthority('/CN=hung');
const { certificate: cert, key } = await authority.issue({
  subject: '/CN=localhost',
  names: ['DNS:localhost'],
});

type Broker = (socket: Socket) => void;
const mute: Broker = (socket) => socket.resume();

/** Requests are answered with what versions there are, and others, from `SaslHandshake` or `Metadata` on, with nothing. */
const tellsVersions: Broker = (socket) => {
  serveKafka(socket, { answer: () => undefined });
};

async function startBroker(t: Test, serve: Broker, isTls = false, port = 0) {
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    serve(socket);
  };
  const server = isTls ? createTlsServer({ cert, key }, accept) : createServer(accept);
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  t.teardown(stop);
  return { port: (server.address() as { port: number }).port, sockets, stop };
}

function held(credentials: Credentials): RotatingCredentials<Credentials> {
  return {
    current: () => credentials,
    ready: async () => undefined,
    onRenewed: () => () => undefined,
    close: () => undefined,
  };
}

interface Settings extends Partial<ConnectionsOptions> {
  readonly tls?: boolean;
  readonly mechanism?: SaslMechanism;
}

function connectTo(
  t: Test,
  port: number,
  { tls = false, mechanism, ...options }: Settings = {},
  host = 'localhost',
) {
  const sasl = { mechanism: 'plain', username: 'paula', password: 'none' } as const;
  const credentials = held({
    ...(tls ? { tls: { ca: authority.certificate, verifyHostname: true } } : {}),
    ...(mechanism === undefined ? {} : { sasl }),
  });
  const shown = mechanism && createSasl({ mechanism, credentials });
  const security = { credentials, sasl: shown, close: async () => undefined };
  const settings = { brokers: [`${host}:${port}`], clientId: 'stages', security };
  const limits = { connectTimeoutMs: 300, requestTimeoutMs: 300 };
  const connections = createConnections({ settings, ...limits, ...options });
  t.teardown(() => connections.close());
  const ask = () => connections.sendToAny(metadataRequest([], false), performance.now() + 60_000);
  return { connections, ask, failure: () => ask().then(String, describeError) };
}

t.test('the cause is the last thing that is known', async (t) => {
  for (const [serve, isServerTls, settings, cause] of [
    [
      mute,
      false,
      { tls: true },
      'connected to localhost:PORT, but the TLS handshake has not ended within 0.3 s',
    ],
    [mute, false, {}, 'connected to localhost:PORT, but no answer to ApiVersions within 0.3 s'],
    [
      mute,
      true,
      { tls: true },
      'connected to localhost:PORT by TLS, but no answer to ApiVersions within 0.3 s',
    ],
    [
      tellsVersions,
      true,
      { tls: true, mechanism: 'plain' },
      'connected to localhost:PORT by TLS, but no answer to SASL PLAIN within 0.3 s',
    ],
    [tellsVersions, false, {}, 'connected to localhost:PORT, but no answer to Metadata within 0.3 s'],
  ] as const) {
    const { port } = await startBroker(t, serve, isServerTls);
    const { failure } = connectTo(t, port, settings);
    t.equal(await failure(), `No broker answers: ${cause.replace('PORT', String(port))}`);
  }
});

t.test('connecting goes on when whoever asked first has given up', async (t) => {
  const { port, sockets } = await startBroker(t, mute);
  const { connections } = connectTo(t, port, { connectTimeoutMs: 60_000 });
  const ask = () => connections.sendToAny(metadataRequest([], false), performance.now() + 50);
  await t.rejects(ask(), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  t.equal(connections.waitsFor(), `connected to localhost:${port}, but no answer to ApiVersions`);
  await t.rejects(ask(), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  t.equal(sockets.size, 1);
});

t.test(
  'a broker that is away is left alone, tried again by itself, and told of at once meanwhile',
  async (t) => {
    const first = await startBroker(t, mute);
    const { port } = first;
    let recoveries = 0;
    const { connections, failure } = connectTo(t, port, {
      probing: { firstMs: 20, mostMs: 50 },
      onRecovered: () => (recoveries += 1),
    });
    const told = `No broker answers: connected to localhost:${port}, but no answer to ApiVersions within 0.3 s`;
    t.equal(await failure(), told);
    t.equal(await failure(), told, 'without another try');
    await first.stop();
    await until(async () => (await failure()).includes('ECONNREFUSED'));
    await startBroker(t, tellsVersions, false, port);
    await until(() => recoveries === 1);
    connections.probeNow();
    t.match(await failure(), /no answer to Metadata within 0\.3 s$/, 'asked again');
    connections.probeNow();
    await until(() => recoveries === 2);
    await connections.close();
    t.match(await failure(), /closed/);
  },
);

t.test('who has little time does not end the connection of others', async (t) => {
  const answers: (() => void)[] = [];
  const broker = await startScriptedBroker(t, {
    answer: ({ correlationId }, socket) => {
      answers.push(() => void socket.write(frame(correlationId, emptyMetadata)));
      return undefined;
    },
  });
  const { connections } = connectTo(t, broker.port, { requestTimeoutMs: 20_000 }, '127.0.0.1');
  const ask = (limitMs: number) =>
    connections.sendToAny(metadataRequest([], false), performance.now() + limitMs);
  const patient = ask(20_000);
  await until(() => answers.length === 1);
  await t.rejects(ask(30), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  await until(() => answers.length === 2);
  for (const answer of answers) answer();
  t.match(await patient, { brokers: [], topics: [] });
  t.equal(broker.connections(), 1);
});

t.test('renewed credentials: the next request goes over a new connection, and none is lost', async (t) => {
  const listeners = new Set<() => void>();
  const credentials: RotatingCredentials<Credentials> = {
    ...held({}),
    onRenewed: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const waiting: (() => void)[] = [];
  let isHolding = false;
  const broker = await startScriptedBroker(t, {
    answer: ({ correlationId }, socket) => {
      if (!isHolding) return emptyMetadata;
      waiting.push(() => void socket.write(frame(correlationId, emptyMetadata)));
      return undefined;
    },
  });
  const security = { credentials, sasl: undefined, close: async () => undefined };
  const settings = { brokers: [broker.address], clientId: 'renewed', security };
  const connections = createConnections({ settings, requestTimeoutMs: 20_000 });
  const ask = () => connections.sendToAny(metadataRequest([], false), performance.now() + 20_000);
  await ask();
  isHolding = true;
  const underWay = ask();
  await until(() => waiting.length === 1);
  isHolding = false;
  for (const renewed of listeners) renewed();
  await ask();
  t.equal(broker.sockets.size, 2, 'the old one waits for its answer');
  waiting[0]?.();
  await underWay;
  await until(() => broker.sockets.size === 1);
  t.equal(broker.connections(), 2);
  await connections.close();
  t.equal(listeners.size, 0, 'nobody listens any more');
  await until(() => broker.sockets.size === 0);
});
