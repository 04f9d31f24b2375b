// What any producer may write: it costs its own partition, as much as it has bytes, and nobody else. Each of these stopped the first release.
import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { encodeBatch } from '../../core/kafka/records/encode-batch.ts';
import { pack } from '../../core/kafka/records/compressions.ts';
import { rawBatch, rawRecord } from '../core/kafka/fixtures/batches.ts';
import { fetchLog } from '../core/kafka/fixtures/fetch-log.ts';
import { openConnections } from '../core/kafka/fixtures/offsets.ts';
import { spawnGateway, triggerManifest, useGateway, type TriggerParts } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { rawProduce } from '../fixtures/kafka/raw-requests.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(110_000);

/** A topic of two partitions, of which the first gets what is hostile, and a trigger that reads it. */
async function prepare(t: Test, parts: TriggerParts, configs: Record<string, string> = {}) {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 2, configs });
  const dead = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const oracle = createOracle(t, {
    ...{ bootstrapServers, topic, group: uniqueName('group'), deadLetterTopic: dead },
  });
  const fn = await serveFunction(t, oracle, ({ receipts: [receipt] }) => ({
    status: receipt?.partition === 0 ? 422 : 204,
  }));
  const manifests = [triggerManifest(oracle, fn.uri, parts)];
  const produce = async (batch: Buffer): Promise<void> => {
    t.match(await rawProduce(bootstrapServers, topic, batch), { errorCode: 0 });
  };
  const letters = () => fetchLog(openConnections(t, bootstrapServers), dead);
  return { bootstrapServers, oracle, manifests, produce, letters };
}

function plainBatch(headers: readonly { name: string; nameBytes?: Buffer; value: Buffer | null }[]): Buffer {
  const records = [{ key: null, value: Buffer.from('{}'), headers, timestampMs: Date.now() }];
  return encodeBatch({
    ...{ records, producerId: -1n, producerEpoch: -1, baseSequence: -1, isTransactional: false },
  });
}

t.test('a record of 12,000 headers: others are delivered, and it comes back whole', async (t) => {
  const stage = await prepare(t, { function: { contentMode: 'structured' } });
  const { oracle } = stage;
  const headers = Array.from({ length: 12_000 }, (_, index) => ({
    ...{ name: `h${index % 9_000}`, value: Buffer.from(String(index)) },
  }));
  await stage.produce(plainBatch(headers));
  await oracle.send([{ partition: 1, value: '{}' }]);
  await useGateway(t, stage);
  await until(async () => (await oracle.committed()).get(1) === 1n);
  await until(async () => (await oracle.committed()).get(0) === 1n);
  const [letter] = await stage.letters();
  t.strictSame(letter?.headers.slice(0, 12_000), headers);
});

t.test('headers a, b, a and names of any bytes come back in their order', async (t) => {
  const stage = await prepare(t, {});
  const headers = [
    ...['a', 'b', 'a', '10', '9', '__proto__'].map((name, index) => ({
      name,
      value: Buffer.of(index, 0xff),
    })),
    { name: 'a', value: null },
    { name: 'caf\ufffd', nameBytes: Buffer.from('caf\xe9', 'latin1'), value: Buffer.alloc(0) },
  ];
  await stage.produce(plainBatch(headers));
  await useGateway(t, stage);
  await until(async () => (await stage.oracle.committed()).get(0) === 1n);
  const [letter] = await stage.letters();
  t.strictSame(letter?.headers.slice(0, headers.length), headers);
});

const dropAll = { filters: [{ exact: { type: 'no.such.type' } }] };

t.test('130,000 records in one batch of zstd: all are read, and others go on', async (t) => {
  const stage = await prepare(t, dropAll);
  const count = 130_000;
  const records = Array.from({ length: count }, (_, delta) => rawRecord({ delta, value: Buffer.from('{}') }));
  const packed = await pack('zstd', Buffer.concat(records));
  const now = { baseTimestampMs: Date.now(), maxTimestampMs: Date.now() };
  await stage.produce(rawBatch({ ...now, count, packed, attributes: 4 }));
  const gateway = await useGateway(t, stage);
  await stage.oracle.send([{ partition: 1, value: '{}' }]);
  await until(async () => {
    const committed = await stage.oracle.committed();
    return committed.get(0) === BigInt(count) && committed.get(1) === 1n;
  });
  t.match(gateway.trigger(), { filtered: count + 1, state: 'consuming' });
});

t.test('8 batches of 100 MiB of blanks in zstd: one is in memory at a time', async (t) => {
  const stage = await prepare(t, dropAll);
  const value = Buffer.alloc(100 << 20, ' ');
  const packed = await pack('zstd', rawRecord({ value }));
  const now = { baseTimestampMs: Date.now(), maxTimestampMs: Date.now() };
  for (let index = 0; index < 8; index += 1)
    await stage.produce(rawBatch({ ...now, count: 1, packed, attributes: 4 }));
  const gateway = await spawnGateway(t, stage);
  await until(async () => (await stage.oracle.committed()).get(0) === 8n, 60_000);
  const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
  const peakMb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  t.comment(`${peakMb} MiB at most`);
  t.ok(peakMb < 600, `${peakMb} MiB`);
});
