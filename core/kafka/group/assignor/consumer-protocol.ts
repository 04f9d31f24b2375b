// What the members of a classic group tell each other by way of the coordinator: ConsumerProtocolSubscription and
// ConsumerProtocolAssignment, versions 0 to 3. Any member may have written these bytes: what they cost to read is linear in
// their number, and what cannot be read throws RangeError.
import type { TopicPartition } from '../../../contract/record.ts';

export interface Subscription {
  readonly topics: readonly string[];
  readonly userData: Buffer;
  /** What the member has. Since version 1. */
  readonly owned: readonly TopicPartition[];
  /** Of which generation it was a member last, or -1. Since version 2. */
  readonly generation: number;
}

/** Written by us: brokers and members that know a lower version read as far as they know. */
const subscriptionVersion = 3;
const assignmentVersion = 1;
const noBytes = Buffer.alloc(0);

export function encodeSubscription({ topics, userData, owned, generation }: Subscription): Buffer {
  const writer = new ProtocolWriter().int16(subscriptionVersion).int32(topics.length);
  for (const topic of topics) writer.string(topic);
  // Version 3 ends with the rack of the member: none.
  return writer.bytes(userData).partitions(byTopic(owned)).int32(generation).int16(-1).written();
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new ProtocolReader(bytes);
  const version = reader.int16();
  const topics = reader.array(2, () => reader.string());
  const userData = reader.bytes();
  // Millrace 0.1 calls version 1 what ends here.
  const hasOwned = version >= 1 && reader.hasMore;
  const owned = hasOwned ? reader.partitions() : [];
  const generation = version >= 2 && hasOwned ? reader.int32() : -1;
  return { topics, userData, owned, generation };
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return new ProtocolWriter()
    .int16(assignmentVersion)
    .partitions(byTopic(partitions))
    .bytes(noBytes)
    .written();
}

/** No bytes at all are no partitions: so Kafka answers whom the leader has given nothing. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  const reader = new ProtocolReader(bytes);
  reader.int16();
  return reader.partitions();
}

/** Partition ids by topic, in the order in which they come. */
export function byTopic(partitions: readonly TopicPartition[]): Map<string, number[]> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const ids = topics.get(topic);
    if (ids === undefined) topics.set(topic, [partition]);
    else ids.push(partition);
  }
  return topics;
}

/** Lengths are int16 for strings, else int32: this protocol has no flexible version. */
class ProtocolWriter {
  readonly #parts: Buffer[] = [];

  int16(value: number): this {
    const part = Buffer.allocUnsafe(2);
    part.writeInt16BE(value);
    return this.#add(part);
  }

  int32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeInt32BE(value);
    return this.#add(part);
  }

  string(value: string): this {
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).#add(bytes);
  }

  bytes(value: Buffer): this {
    return this.int32(value.length).#add(value);
  }

  partitions(topics: ReadonlyMap<string, readonly number[]>): this {
    this.int32(topics.size);
    for (const [topic, ids] of topics) {
      const part = Buffer.allocUnsafe(4 * ids.length);
      ids.forEach((id, index) => part.writeInt32BE(id, 4 * index));
      this.string(topic).int32(ids.length).#add(part);
    }
    return this;
  }

  written(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

class ProtocolReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  string(): string {
    const size = this.int16();
    const from = this.#take(size);
    return this.#bytes.toString('utf8', from, from + size);
  }

  /** Null reads as none. */
  bytes(): Buffer {
    const size = this.int32();
    if (size === -1) return noBytes;
    const from = this.#take(size);
    return this.#bytes.subarray(from, from + size);
  }

  /** `least`: how many bytes an item has at least. A count that the bytes cannot hold is refused before anything is made. */
  array<T>(least: number, read: () => T): T[] {
    const count = this.int32();
    if (count < 0 || count * least > this.#bytes.length - this.#at) throw tooShort();
    return Array.from({ length: count }, read);
  }

  partitions(): TopicPartition[] {
    const topics = this.array(6, () => {
      const topic = this.string();
      return this.array(4, () => this.#partition(topic));
    });
    return topics.flat();
  }

  #partition(topic: string): TopicPartition {
    const partition = this.int32();
    if (partition < 0) throw new RangeError(`A member of a group names the partition ${partition}`);
    return { topic, partition };
  }

  #take(size: number): number {
    const from = this.#at;
    if (size < 0 || from + size > this.#bytes.length) throw tooShort();
    this.#at = from + size;
    return from;
  }
}

function tooShort(): RangeError {
  return new RangeError('What a member of a group has written ends too early');
}
