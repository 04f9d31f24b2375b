// Which partition a record goes to, as Java's producer chooses: by its key, so that those of one key keep their order; without a key, in turn.

/** Partition → its leader, undefined where there is none. */
type Partitions = ReadonlyMap<number, unknown>;

/** Chooses among the partitions of one topic. */
export function createPartitioner(): (key: Buffer | null, partitions: Partitions) => number {
  let turn = Math.floor(Math.random() * 2 ** 16);
  return (key, partitions) => {
    if (key !== null) return (murmur2(key) & 0x7fff_ffff) % partitions.size;
    const all = [...partitions.keys()];
    const led = all.filter((partition) => partitions.get(partition) !== undefined);
    const choice = led.length > 0 ? led : all;
    turn = (turn + 1) % 2 ** 31;
    return choice[turn % choice.length] ?? 0;
  };
}

/** org.apache.kafka.common.utils.Utils.murmur2, as an int32. */
function murmur2(bytes: Buffer): number {
  const { length } = bytes;
  const m = 0x5bd1_e995;
  let hash = 0x9747_b28c ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word = Math.imul(bytes.readInt32LE(at), m);
    hash = Math.imul(hash, m) ^ Math.imul(word ^ (word >>> 24), m);
  }
  const left = length - whole;
  if (left > 0) {
    for (let index = left - 1; index >= 0; index -= 1)
      hash ^= (bytes[whole + index] as number) << (8 * index);
    hash = Math.imul(hash, m);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}
