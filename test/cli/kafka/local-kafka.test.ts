// The local Kafka against its promises: what was acknowledged survives a kill, and nothing of it survives a
// stop.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { startLocalKafka, type LocalBroker, type LocalKafka } from '../../../cli/kafka/local-kafka.ts';
import { consumeAll, createTopic, ownKafka, produce, withAdmin } from '../../fixtures/kafka/kafka.ts';

t.setTimeout(180_000);

const run = promisify(execFile);

/** As `ps` shows it: S sleeping, T stopped, '' gone. */
async function processState(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim().charAt(0);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`not within 20 s: ${what}`);
    await delay(20);
  }
}

/** Where this test's brokers put their directories. */
function ownTemporaryDir(t: Test): string {
  const outer = process.env.TMPDIR;
  const dir = t.testdir();
  process.env.TMPDIR = dir;
  t.teardown(() => {
    if (outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = outer;
  });
  return dir;
}

function onlyBroker({ brokers: [broker] }: LocalKafka): LocalBroker {
  if (broker === undefined) throw new Error('a Kafka without a broker');
  return broker;
}

async function valuesIn(bootstrapServers: string, topic: string): Promise<string[]> {
  const records = await consumeAll(bootstrapServers, topic);
  return records.map(({ value }) => String(value)).toSorted();
}

t.test('acknowledged records survive kill -9 and a restart', async (t) => {
  const kafka = await ownKafka(t);
  const { bootstrapServers } = kafka;
  const broker = onlyBroker(kafka);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3, name: 'kept' });
  const messages = Array.from({ length: 300 }, (_, n) => ({
    key: `k${n % 10}`,
    value: `v${n}`,
    headers: { n: `${n}` },
  }));
  await produce(bootstrapServers, topic, messages);

  const before = await consumeAll(bootstrapServers, topic);
  t.equal(before.length, 300);
  t.equal(new Set(before.map(({ partition }) => partition)).size, 3);
  const own = before.filter(({ key }) => String(key) === 'k7').map(({ value }) => String(value));
  t.same(own.slice(0, 3), ['v7', 'v17', 'v27'], 'in order within a key');
  t.same(String(before.find(({ value }) => String(value) === 'v42')?.headers.n), '42');

  const { pid, exited } = broker;
  await broker.kill();
  t.match(await exited, { signal: 'SIGKILL', expected: true });
  t.equal(await processState(pid), '');
  await broker.restart();
  t.not(broker.pid, pid);
  const after = await consumeAll(bootstrapServers, topic);
  t.same(new Set(after.map(({ value }) => String(value))), new Set(messages.map(({ value }) => value)));
});

t.test('one broker: suspended, in the way of others, dead by itself; stop leaves nothing', async (t) => {
  const temporary = ownTemporaryDir(t);
  const kafka = await ownKafka(t);
  const broker = onlyBroker(kafka);
  t.equal(kafka.bootstrapServers, `127.0.0.1:${broker.port}`);

  broker.suspend();
  await until('suspended', async () => (await processState(broker.pid)) === 'T');
  broker.continue();
  await until('continued', async () => (await processState(broker.pid)) === 'S');

  await t.rejects(startLocalKafka({ port: broker.port }), {
    code: 'MILLRACE_LOCAL_KAFKA_FAILED',
    message: new RegExp(`^Port ${broker.port} on 127.0.0.1 is in use`),
  });

  t.equal(readdirSync(temporary).length, 1);
  process.kill(broker.pid, 'SIGKILL');
  t.match(await broker.exited, { signal: 'SIGKILL', expected: false });
  t.equal(readdirSync(temporary).length, 1, 'its data is there for a restart');
  await kafka.stop();
  await kafka.stop();
  t.same(readdirSync(temporary), []);
});

t.test('a directory keeps its records for the next run, and is for one run at a time', async (t) => {
  const dir = t.testdir();
  const first = await ownKafka(t, { dir });
  const topic = await createTopic(t, first.bootstrapServers, { partitions: 1 });
  await produce(first.bootstrapServers, topic, [{ value: 'kept' }]);
  await t.rejects(startLocalKafka({ dir }), {
    message: new RegExp(`^${dir} is in use by process ${process.pid}: stop it or choose another directory`),
  });
  await first.stop();
  await t.rejects(startLocalKafka({ dir, brokers: 3 }), {
    message: /holds the data of another number of brokers \(1, not 3\)/,
  });

  const second = await ownKafka(t, { dir });
  t.not(second.bootstrapServers, first.bootstrapServers);
  t.same(await valuesIn(second.bootstrapServers, topic), ['kept']);
});

t.test('a broker that cannot start says why, and leaves nothing', async (t) => {
  const temporary = ownTemporaryDir(t);
  await t.rejects(startLocalKafka({ properties: { 'log.dirs': '' } }), {
    code: 'MILLRACE_LOCAL_KAFKA_FAILED',
    message: /^Kafka ended before it was ready \(exit code 1\)\. Its last lines:\n[^]*log\.dirs/,
  });
  t.same(readdirSync(temporary), []);
});

t.test('brokers do not outlive the process that started them, even when it is killed', async (t) => {
  const tmpdir = t.testdir();
  const module = new URL('../../../cli/kafka/local-kafka.ts', import.meta.url).href;
  const script = `
    const { startLocalKafka } = await import(${JSON.stringify(module)});
    const { brokers } = await startLocalKafka();
    brokers[0].suspend();
    console.log(brokers[0].pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: tmpdir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  t.equal(await processState(pid), 'T');

  parent.kill('SIGKILL');
  await until('the broker is gone', async () => ['', 'Z'].includes(await processState(pid)));
  await until('its directory is gone', () =>
    readdirSync(tmpdir).every((name) => !existsSync(`${tmpdir}/${name}/data`)),
  );
});

t.test('three brokers: a replicated topic outlives the loss of its leader', async (t) => {
  const { bootstrapServers, brokers } = await ownKafka(t, { brokers: 3 });
  t.equal(new Set(brokers.map(({ port }) => port)).size, 3);
  const topic = await createTopic(t, bootstrapServers, {
    partitions: 1,
    replicas: 3,
    configs: { 'min.insync.replicas': '2' },
  });
  await produce(bootstrapServers, topic, [{ value: 'a' }]);
  t.same(await valuesIn(bootstrapServers, topic), ['a']);

  const leaderOf = async (): Promise<number | undefined> => {
    const { topics } = await withAdmin(bootstrapServers, (admin) =>
      admin.fetchTopicMetadata({ topics: [topic] }),
    );
    return topics[0]?.partitions[0]?.leader;
  };
  const leaderId = await leaderOf();
  const leader = brokers.find(({ id }) => id === leaderId);
  t.ok(leader);
  await leader?.kill();
  await until('another leader', async () => (await leaderOf()) !== leaderId);
  await produce(bootstrapServers, topic, [{ value: 'b' }]);
  t.same(await valuesIn(bootstrapServers, topic), ['a', 'b']);
});
