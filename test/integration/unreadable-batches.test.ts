// A bit is wrong in what the broker has stored: the gateway says where, an operator passes that batch alone, and a trace is left.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startLocalKafka } from '../../cli/kafka/local-kafka.ts';
import { runCli } from '../cli/fixtures/run-cli.ts';
import { spawnGateway, triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { flipByte, type StoredBatch } from '../fixtures/kafka/corrupt-log.ts';
import { consumeAll, createTopic, kafkaClient, uniqueName } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(110_000);

const dir = await mkdtemp(join(tmpdir(), 'millrace-unreadable-'));
const kafka = await startLocalKafka({ dir });
t.teardown(async () => {
  await kafka.stop();
  await rm(dir, { recursive: true, force: true });
});
const { bootstrapServers } = kafka;

interface Stage {
  readonly topic: string;
  readonly dead: string;
  readonly damaged: StoredBatch;
  readonly bytes: Buffer;
}

/** Partition 0 has the offsets 0 to 2, 3 to 5 and 6, a batch each, and the middle one is damaged; partition 1 has one record. */
async function damage(t: Test): Promise<Stage> {
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const dead = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const producer = kafkaClient(bootstrapServers).producer();
  await producer.connect();
  for (const [partition, count] of [
    [0, 3],
    [0, 3],
    [0, 1],
    [1, 1],
  ] as const) {
    const messages = Array.from({ length: count }, () => ({ partition, value: '{"id":1}' }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
  const damaged = { dir, topic, partition: 0, offset: 3n };
  return { topic, dead, damaged, bytes: await flipByte(damaged) };
}

for (const transactional of [false, true]) {
  t.test(`seen, passed by a skip, dead-lettered; transactional replies: ${transactional}`, async (t) => {
    const { topic, dead, bytes } = await damage(t);
    const group = uniqueName('group');
    const oracle = createOracle(t, { bootstrapServers, topic, group, deadLetterTopic: dead });
    const fn = await serveFunction(t, oracle, () => ({ status: 204 }));
    const reply = transactional ? { reply: { topic: dead, transactional } } : {};
    const manifests = [triggerManifest(oracle, fn.uri, { ...reply, delivery: { ordering: 'key' } })];
    const gateway = await useGateway(t, { bootstrapServers, manifests });
    const receivedOf = (partition: number) =>
      oracle.receipts.filter((one) => one.partition === partition).map(({ offset }) => Number(offset));
    await until(() => gateway.trigger().unreadable === 1 && receivedOf(0).length === 3);
    await until(() => receivedOf(1).length === 1);
    const command = `millrace skip default/tested --topic ${topic} --partition 0 --offset 3`;
    const why = 'its bytes are not those that were written: its CRC-32C is another';
    t.match(gateway.trigger(), {
      state: 'failing',
      reason: `the batch of the offsets 3 to 5 of ${topic}-0 cannot be read: ${why}; pass it with: ${command}`,
      firstUnreadable: { topic, partition: 0, offset: '3', lastOffset: '5', reason: why, skip: command },
    });
    const metrics = async (): Promise<string> => (await fetch(`${gateway.adminUrl}/metrics`)).text();
    t.match(await metrics(), /^millrace_unreadable_batches\{[^}]*\} 1$/m);
    const listed = await runCli(t, ['blocked', '--gateway', gateway.adminUrl]);
    t.match(listed.stdout, `the batch of the offsets 3 to 5 cannot be read`);
    t.match(listed.stdout, command);
    await oracle.send([{ partition: 1, value: '{"id":2}' }]);
    await until(() => receivedOf(1).length === 2);
    t.equal((await oracle.committed()).get(0), 3n, 'nothing of it is believed to be settled');

    const args = [...command.split(' ').slice(1), '--reason', 'disk', '--gateway', gateway.adminUrl];
    const { code, stdout, stderr } = await runCli(t, args);
    t.equal(code, 0, stderr);
    t.match(stderr, /batch of the offsets 3 to 5 is skipped, and stored in dead-/);
    t.match(JSON.parse(stdout), {
      trigger: 'default/tested',
      ...{ topic, partition: 0, offset: '3', lastOffset: '5', settlement: 'skipped' },
      batch: { size: bytes.length, bytes: bytes.toString('base64') },
      deadLetter: { topic: dead, partition: 0, offset: '0' },
    });
    await until(async () => receivedOf(0).length === 4 && (await oracle.committed()).get(0) === 7n);
    t.strictSame(receivedOf(0), [0, 1, 2, 6]);
    const [letter, ...others] = await consumeAll(bootstrapServers, dead);
    t.equal(others.length, 0);
    t.strictSame(letter?.value, bytes);
    t.equal(String(letter?.headers['millrace-reason']), 'unreadable');
    t.equal(String(letter?.headers['millrace-last-offset']), '5');
    await until(() => gateway.trigger().state === 'consuming');
    t.match(gateway.trigger(), { unreadable: 0, skipped: 1, reason: '', ready: true });
    const after = await metrics();
    t.match(after, /^millrace_unreadable_batches\{[^}]*\} 0$/m);
    t.match(after, /^millrace_skipped_offsets_total\{[^}]*reason="unreadable"[^}]*\} 3$/m);
    t.match(after, /^millrace_dead_lettered_records_total\{[^}]*reason="unreadable"[^}]*\} 1$/m);
    t.match(after, /^millrace_settled_records_total\{[^}]*settlement="skipped"[^}]*\} 1$/m);
  });
}

t.test('whoever has the partition next finds it as it was, until it can be read', async (t) => {
  const { topic, damaged } = await damage(t);
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const fn = await serveFunction(t, oracle, () => ({ status: 204 }));
  const manifests = [triggerManifest(oracle, fn.uri)];
  let logged = '';
  const first = await spawnGateway(t, { bootstrapServers, manifests, onLog: (text) => (logged += text) });
  await until(async () => (await first.trigger()).unreadable === 1);
  await until(async () => (await oracle.committed()).get(0) === 3n);
  t.match(logged, /batch cannot be read, and its partition waits: .*--partition 0 --offset 3/);
  first.signal('SIGKILL');
  await first.exited;

  const second = await useGateway(t, { bootstrapServers, manifests });
  await until(() => second.trigger().unreadable === 1, 60_000);
  await second.stop();
  await flipByte(damaged);
  await useGateway(t, { bootstrapServers, manifests });
  await until(async () => (await oracle.committed()).get(0) === 7n, 60_000);
  const received = oracle.receipts
    .filter(({ partition }) => partition === 0)
    .map(({ offset }) => Number(offset));
  t.strictSame(
    received.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6],
  );
});
