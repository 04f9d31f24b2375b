// Requests that wait for other members never stand behind each other: the broker is a socket of the test, which holds back what it is told to.
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createConnections } from '../../../../core/kafka/connection/broker-connections.ts';
import { WaitingConnections } from '../../../../core/kafka/connection/waiting-connections.ts';
import type { KafkaRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { frame, startScriptedBroker } from '../fixtures/scripted-broker.ts';

const join: KafkaRequest<number> = {
  apiKey: 3,
  apiVersion: 10,
  apiName: 'JoinGroup',
  lane: 'waiting',
  encode: () => Buffer.alloc(0),
  decode: (reader) => reader.int32(),
};

async function startHolding(t: Test) {
  const held: { readonly socket: Socket; answer(): void }[] = [];
  const broker = await startScriptedBroker(t, {
    answer: ({ correlationId }, socket) => {
      held.push({ socket, answer: () => void socket.write(frame(correlationId, Buffer.alloc(4))) });
      return undefined;
    },
  });
  return { held, broker };
}

const deadline = (): number => performance.now() + 20_000;

t.test('each has a connection of its own, which the next one takes', async (t) => {
  const { held, broker } = await startHolding(t);
  const settings = { brokers: [broker.address], clientId: 'waiting' };
  const connections = createConnections({ settings, requestTimeoutMs: 20_000 });
  t.teardown(() => connections.close());
  const to = { nodeId: 1, host: '127.0.0.1', port: broker.port };
  const two = [connections.sendTo(to, join, deadline()), connections.sendTo(to, join, deadline())];
  await until(() => held.length === 2);
  t.equal(new Set(held.map(({ socket }) => socket)).size, 2);
  held[1]?.answer();
  await two[1];
  const third = connections.sendTo(to, join, deadline());
  await until(() => held.length === 3);
  t.equal(held[2]?.socket, held[1]?.socket);
  t.equal(broker.connections(), 2);
  held[0]?.answer();
  held[2]?.answer();
  await Promise.all([...two, third]);
});

async function startPool(t: Test, most: number) {
  const { held, broker } = await startHolding(t);
  const pool = new WaitingConnections({
    ...{ host: '127.0.0.1', port: broker.port, settings: { brokers: [broker.address], clientId: 'waiting' } },
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000, idleMs: 60_000, most },
    onRecovered: () => undefined,
    onAbandoned: () => undefined,
  });
  t.teardown(() => pool.close());
  return { held, broker, pool };
}

t.test('when all connections are in use, requests take turns', async (t) => {
  const { held, broker, pool } = await startPool(t, 2);
  const all = Array.from({ length: 5 }, () => pool.send(join, deadline()));
  for (let answered = 0; answered < 5; answered += 1) {
    await until(() => held.length > answered);
    held[answered]?.answer();
  }
  t.strictSame(await Promise.all(all), [0, 0, 0, 0, 0]);
  t.equal(broker.connections(), 2);
});

t.test(
  'whoever has waited too long for a turn is told, and a connection with a lost request is not used again',
  async (t) => {
    const { held, broker, pool } = await startPool(t, 1);
    const first = pool.send(join, performance.now() + 200).catch(String);
    await until(() => held.length === 1);
    t.match(
      await pool.send(join, performance.now() + 20).catch(String),
      /1 requests wait at .*, and no turn within/,
    );
    t.match(await first, /no answer to JoinGroup within/);
    const next = pool.send(join, deadline());
    await until(() => held.length === 2);
    held[1]?.answer();
    t.equal(await next, 0);
    t.equal(broker.connections(), 2);
  },
);

t.test('closed: whoever waits for a turn is told, and nothing is open', async (t) => {
  const { held, broker, pool } = await startPool(t, 1);
  const asked = [1, 2].map(() => pool.send(join, deadline()).catch(String));
  await until(() => held.length === 1);
  await pool.close();
  for (const failure of await Promise.all(asked)) t.match(failure, /closed/);
  await until(() => broker.sockets.size === 0);
  t.match(await pool.send(join, deadline()).catch(String), /closed/);
});
