// One connection, against brokers that are sockets of the test: what they may answer, and what ends the connection.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { describeError } from '../../../../../core/contract/errors.ts';
import type { ConnectionSettings } from '../../../../../core/kafka/connection/connection-settings.ts';
import { BrokerSocket } from '../../../../../core/kafka/connection/socket/broker-socket.ts';
import type { KafkaRequest } from '../../../../../core/kafka/protocol/wire-requests.ts';
import {
  frame,
  startScriptedBroker,
  type AskedRequest,
  type Script,
} from '../../fixtures/scripted-broker.ts';

/** Asks for a number, and is told it. */
function echo(value: number): KafkaRequest<number> {
  return {
    apiKey: 3,
    apiVersion: 10,
    apiName: 'Metadata',
    encode: () => int32(value),
    decode: (reader) => reader.int32(),
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

interface Given extends Partial<Script> {
  readonly host?: string;
  readonly idleMs?: number;
  readonly security?: ConnectionSettings['security'];
}

async function connect(t: Test, { host = '127.0.0.1', idleMs = 60_000, security, ...script }: Given = {}) {
  const broker = await startScriptedBroker(t, { answer: ({ body }) => body, ...script }, host);
  const settings = { clientId: 'sockets', security };
  const socket = new BrokerSocket({ host, port: broker.port, settings, idleMs });
  t.teardown(() => socket.destroy(new Error('the test is over')));
  await socket.connect();
  return { broker, socket };
}

t.test('requests are pipelined, and each gets its own answer', async (t) => {
  const { socket } = await connect(t);
  const values = Array.from({ length: 2_000 }, (_, index) => index);
  t.strictSame(await Promise.all(values.map((value) => socket.exchange(echo(value)))), values);
});

t.test('a broker that knows only the first version of ApiVersions is asked again by that', async (t) => {
  const { socket } = await connect(t, { isFlexible: false });
  t.equal(await socket.exchange(echo(7)), 7);
});

t.test('a request is sent in a version that the broker has, or not at all', async (t) => {
  const { socket } = await connect(t);
  const request = echo(1);
  const newer = { ...request, apiVersion: 13 };
  t.equal(socket.supported(request), request);
  t.equal(socket.supported({ ...newer, older: request }), request);
  const refused = (lacking: KafkaRequest<number>, words: RegExp) => {
    t.throws(() => socket.supported(lacking), { code: 'MILLRACE_KAFKA_UNSUPPORTED', message: words });
  };
  refused(newer, /^Broker 127\.0\.0\.1:\d+ is older than Kafka 3\.0: it has no Metadata v13$/);
  refused({ ...newer, since: '4.0' }, /is older than Kafka 4\.0: it has no Metadata v13$/);
  refused({ ...request, apiKey: 99 }, /is older than Kafka 3\.0/);
  refused({ ...request, apiVersion: -1 }, /is newer than Kafka 4\.4: it has no Metadata v-1$/);
});

t.test('IPv6', async (t) => {
  const { socket, broker } = await connect(t, { host: '::1' });
  t.equal(await socket.exchange(echo(6)), 6);
  for (const end of broker.sockets) end.destroy();
  await socket.closed;
  t.match(await socket.exchange(echo(6)).catch(String), /the broker \[::1\]:\d+ closed the connection/);
});

const raw = (write: (socket: Socket, request: AskedRequest) => void): Script['answer'] => {
  return (request, socket) => {
    write(socket, request);
    return undefined;
  };
};

const wrong: Readonly<Record<string, readonly [Script['answer'], RegExp]>> = {
  'garbage in place of an answer': [
    raw((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    /cannot be read: no answer of Kafka has 1213486160 bytes/,
  ],
  'a negative size': [raw((socket) => socket.write(int32(-5))), /no answer of Kafka has -5 bytes/],
  'a size beyond all limits': [
    raw((socket) => socket.write(int32(2 ** 31 - 1))),
    /no answer of Kafka has 2147483647 bytes/,
  ],
  'the id of another request': [
    raw((socket, { correlationId }) => socket.write(frame(correlationId + 1, int32(1)))),
    /cannot be read: an answer to request \d+, not to \d+/,
  ],
  'a body that ends early': [() => Buffer.alloc(2), /cannot be read: A response of Kafka ends too early/],
  'half an answer, and the end': [
    raw((socket, { correlationId }) => socket.end(frame(correlationId, int32(1)).subarray(0, 9))),
    /closed the connection/,
  ],
};

for (const [what, [answer, why]] of Object.entries(wrong)) {
  t.test(`${what} ends the connection, for all that is under way`, async (t) => {
    const { socket } = await connect(t, { answer });
    const failures = [1, 2].map((value) => socket.exchange(echo(value)).then(String, describeError));
    for (const failure of await Promise.all(failures)) t.match(failure, why);
    await socket.closed;
    t.equal(socket.isOpen, false);
  });
}

t.test('an answer that nobody has asked for ends the connection', async (t) => {
  const { socket, broker } = await connect(t);
  for (const each of broker.sockets) each.write(frame(7, int32(7)));
  await socket.closed;
  t.match(await socket.exchange(echo(1)).catch(describeError), /an answer to request 7, not to none/);
});

t.test('before it is connected, no large answer is waited for', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.write(int32(2_000_000));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const at = { host: '127.0.0.1', port, idleMs: 60_000 };
  const socket = new BrokerSocket({ ...at, settings: { clientId: 'sockets' } });
  t.match(await socket.connect().catch(describeError), /no answer of Kafka has 2000000 bytes/);
});

t.test('without an answer in time the connection ends, and says so', async (t) => {
  const { socket } = await connect(t, { answer: () => undefined });
  const behind = socket.exchange(echo(2)).catch(describeError);
  await t.rejects(socket.exchange(echo(1), 20), {
    name: 'LateError',
    message: /^connected to 127\.0\.0\.1:\d+, but no answer to Metadata within 0\.1 s$/,
  });
  t.match(await behind, /discarded: connected to .* no answer to Metadata/);
  await socket.closed;
});

t.test('a retired connection ends with the last answer, and not before', async (t) => {
  const held: (() => void)[] = [];
  const { socket } = await connect(t, {
    answer: raw((to, { correlationId, body }) => held.push(() => to.write(frame(correlationId, body)))),
  });
  const answers = [1, 2].map((value) => socket.exchange(echo(value)));
  while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
  socket.retire();
  t.equal(socket.isOpen, false);
  held[0]?.();
  t.equal(await answers[0], 1);
  held[1]?.();
  t.equal(await answers[1], 2);
  await socket.closed;
});

t.test('a connection without requests ends by itself', async (t) => {
  const { socket } = await connect(t, { idleMs: 30 });
  await socket.closed;
  t.match(await socket.exchange(echo(1)).catch(describeError), /was due to end/);
});

t.test('the next connection is made before a session ends', async (t) => {
  const sasl = {
    mechanism: 'plain',
    authenticate: async (ask: (message: Buffer) => Promise<Buffer>) => {
      await ask(Buffer.from('me'));
    },
    close: async () => undefined,
  } as const;
  const credentials = {
    current: () => ({}),
    ready: async () => undefined,
    onRenewed: () => () => undefined,
    close: () => undefined,
  };
  const sessionMs = Buffer.alloc(8);
  sessionMs.writeBigInt64BE(200n);
  const { socket } = await connect(t, {
    security: { credentials, sasl, close: async () => undefined },
    answer: ({ apiKey, body }) => {
      if (apiKey === 17) return Buffer.alloc(6);
      // Of SaslAuthenticate v2: no error, no message, no bytes.
      return apiKey === 36 ? Buffer.concat([Buffer.of(0, 0, 0, 0, 1), sessionMs, Buffer.of(0)]) : body;
    },
  });
  t.equal(await socket.exchange(echo(1)), 1);
  await socket.closed;
  t.equal(socket.isRetired, true);
});
