// Limits what a client may read from each broker, by AlterClientQuotas (KIP-546), which kafkajs does not support.
import { createConnections } from '../../../core/kafka/connection/broker-connections.ts';
import { flexible, type KafkaRequest } from '../../../core/kafka/protocol/wire-requests.ts';

/** Without `bytesPerSecond` the client has no limit. */
export async function limitReads(
  bootstrapServers: string,
  clientId: string,
  bytesPerSecond?: number,
): Promise<void> {
  const settings = { brokers: bootstrapServers.split(','), clientId: 'millrace-test' };
  const connections = createConnections({ settings, requestTimeoutMs: 10_000 });
  try {
    const request = alterRequest(clientId, bytesPerSecond);
    const codes = await connections.sendToAny(request, performance.now() + 30_000);
    if (codes.some((code) => code !== 0)) throw new Error(`AlterClientQuotas answered ${codes.join()}`);
  } finally {
    await connections.close();
  }
}

/** AlterClientQuotas v1: the error code of each entry. */
function alterRequest(clientId: string, bytesPerSecond: number | undefined): KafkaRequest<number[]> {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, bytesPerSecond ?? 0);
  return flexible('AlterClientQuotas', 49, 1, {
    write: (writer) =>
      writer
        .array([clientId], (entry, name) =>
          entry
            .array(['client-id'], (entity, type) => entity.string(type).string(name).tags())
            .array(['consumer_byte_rate'], (change, key) =>
              change
                .string(key)
                .int64(bits.getBigInt64(0))
                .bool(bytesPerSecond === undefined)
                .tags(),
            )
            .tags(),
        )
        .bool(false),
    read(reader) {
      reader.int32();
      return reader.array((entry) => {
        const code = entry.int16();
        entry.string();
        entry.array((entity) => {
          entity.string();
          entity.string();
          entity.tags();
        });
        entry.tags();
        return code;
      });
    },
  });
}
