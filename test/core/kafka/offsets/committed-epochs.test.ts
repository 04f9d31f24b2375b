// Offsets that were committed for another log than the one that is there: a real broker whose leader epoch grows when it restarts.
import t, { type Test } from 'tap';
import type { KafkaRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { findCoordinatorsRequest } from '../../../../core/kafka/protocol/wire-requests.ts';
import { WireWriter } from '../../../../core/kafka/protocol/wire.ts';
import { readOffsets } from '../../../../core/kafka/offsets/read-offsets.ts';
import { createTopic, ownKafka, produce, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(180_000);
const records = (count: number) => Array.from({ length: count }, () => ({ value: 'x', partition: 0 }));

/** OffsetCommit v8, of partition 0, which names a leader epoch as Java's consumers do. Answers the error code. */
function commitRequest(group: string, topic: string, offset: bigint, epoch: number): KafkaRequest<number> {
  const encode = () =>
    new WireWriter()
      .tags()
      .string(group)
      .int32(-1)
      .string('')
      .varint(0)
      .array([topic], (to) =>
        to
          .string(topic)
          .array([0], (each) => each.int32(0).int64(offset).int32(epoch).string('').tags())
          .tags(),
      )
      .tags()
      .bytes();
  return {
    apiKey: 8,
    apiVersion: 8,
    apiName: 'OffsetCommit',
    encode,
    decode(reader) {
      reader.tags();
      reader.int32();
      const codes = reader.array((from) => {
        from.string();
        return from.array((each) => {
          each.int32();
          const code = each.int16();
          each.tags();
          return code;
        });
      });
      return codes.flat()[0] ?? -1;
    },
  };
}

function open(t: Test, servers: string, topic: string) {
  const opened = openConnections(t, servers, { metadataMaxAgeMs: 200 });
  const group = uniqueName('group');
  const deadline = () => performance.now() + 20_000;
  return {
    group,
    async commit(offset: bigint, epoch: number) {
      const [found] = await opened.connections.sendToAny(findCoordinatorsRequest([group]), deadline());
      const request = commitRequest(group, topic, offset, epoch);
      return opened.connections.sendTo(found!.broker, request, deadline());
    },
    async epochEnd() {
      const [result] = await readOffsets([{ group, topics: [topic] }], opened);
      if (result?.kind !== 'read') throw new Error('not read', { cause: result?.error });
      return result.partitions[0]?.epochEnd;
    },
  };
}

t.test('an epoch that is yet to come is of a topic that was there before', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, records(10));
  const { commit, epochEnd } = open(t, servers, topic);
  for (const [epoch, expected] of [
    [0, undefined],
    [7, -1n],
    [-1, undefined],
  ] as const) {
    await until(async () => (await commit(5n, epoch)) === 0);
    t.equal(await epochEnd(), expected, `epoch ${epoch}`);
  }
});

t.test('an epoch that ended before the offset is of a log whose end was lost', async (t) => {
  const kafka = await ownKafka(t);
  const servers = kafka.bootstrapServers;
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, records(10));
  await kafka.brokers[0]?.kill();
  await kafka.brokers[0]?.restart();
  await produce(servers, topic, records(10));
  const { commit, epochEnd } = open(t, servers, topic);
  for (const [offset, epoch, expected] of [
    [10n, 0, 10n],
    [15n, 0, 10n],
  ] as const) {
    await until(async () => (await commit(offset, epoch)) === 0);
    t.equal(await epochEnd(), expected, `offset ${offset}`);
  }
});
