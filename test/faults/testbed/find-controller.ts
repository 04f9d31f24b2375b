// Finds the leader of the controller quorum by DescribeQuorum (KIP-595), which kafkajs does not support.
import { connect } from 'node:net';
import { WireReader, WireWriter } from '../../../core/kafka/protocol/wire.ts';

/** The id of the active controller, according to the broker at `port`. */
export async function findController(port: number): Promise<number> {
  const body = new WireWriter()
    .tags()
    .array(['__cluster_metadata'], (topic, name) =>
      topic
        .string(name)
        .array([0], (partition, index) => partition.int32(index).tags())
        .tags(),
    )
    .tags()
    .bytes();
  // Request header v2: API 55, version 0, correlation id 1, no client id.
  const header = Buffer.from([0, 55, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
  const answer = await ask(port, Buffer.concat([header, body]));
  const reader = new WireReader(answer);
  reader.int32();
  reader.tags();
  const error = reader.int16();
  if (error !== 0) throw new Error(`DescribeQuorum answered error ${error}`);
  const [leader] = reader.array((topic) => {
    topic.string();
    const [of] = topic.array((partition) => {
      partition.int32();
      return { error: partition.int16(), leader: partition.int32(), epoch: partition.int32() };
    });
    return of;
  });
  if (leader?.error !== 0 || leader.leader < 0) throw new Error('no controller');
  return leader.leader;
}

function ask(port: number, request: Buffer): Promise<Buffer> {
  const size = Buffer.alloc(4);
  size.writeInt32BE(request.length);
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 3_000 });
    let answer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error(`broker at ${port} does not answer`)));
    socket.on('close', () => reject(new Error('closed')));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return;
      resolve(answer.subarray(4));
      socket.destroy();
    });
    socket.write(Buffer.concat([size, request]));
  });
}
