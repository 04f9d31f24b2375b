// The request that tells where the log of a partition left a leader epoch (KIP-320).
import type { WireReader } from './wire.ts';
import { flexible, type KafkaRequest } from './wire-requests.ts';

export interface EpochEnd {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Where the epoch ended, one past its last record; -1 where this log never had it, nor one before it. */
  readonly end: bigint;
}

/** OffsetForLeaderEpoch v4. `epochs`: topic → partition → epoch. */
export function epochEndsRequest(
  epochs: ReadonlyMap<string, ReadonlyMap<number, number>>,
): KafkaRequest<EpochEnd[]> {
  return flexible('OffsetForLeaderEpoch', 23, 4, {
    write: (writer) =>
      writer.int32(-1).array([...epochs], (to, [topic, partitions]) =>
        to
          .string(topic)
          .array([...partitions], (each, [partition, epoch]) =>
            each.int32(partition).int32(-1).int32(epoch).tags(),
          )
          .tags(),
      ),
    read(reader) {
      reader.int32();
      return reader.array(readEpochEnds).flat();
    },
  });
}

function readEpochEnds(reader: WireReader): EpochEnd[] {
  const topic = reader.string() ?? '';
  const ends = reader.array((from) => {
    const errorCode = from.int16();
    const partition = from.int32();
    from.int32();
    const end = from.int64();
    from.tags();
    return { topic, partition, errorCode, end };
  });
  reader.tags();
  return ends;
}
