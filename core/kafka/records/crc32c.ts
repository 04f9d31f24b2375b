// CRC-32C (Castagnoli), by which Kafka guards a batch: sixteen bytes a step, by sixteen tables.

/** Table k: what a byte does to the sum when k bytes come after it. */
const tables = createTables();
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
const [, , , , , , , , t8, t9, t10, t11, t12, t13, t14, t15] = tables;

type Tables = [
  ...[Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array],
];

function createTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
    return sum;
  });
  const made = [first];
  for (let before = first; made.length < 16; made.push(before))
    before = before.map((sum) => (sum >>> 8) ^ of(first, sum));
  return made as Tables;
}

/** By the lowest byte. */
function of(table: Int32Array, byte: number): number {
  return table[byte & 0xff] as number;
}

/** Of `bytes` that follow others, where the sum of those is given as `before`. An unsigned int32. */
export function crc32c(bytes: Buffer, before = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = ~before;
  let at = 0;
  for (const end = bytes.length - 15; at < end; at += 16) {
    const a = view.getInt32(at, true) ^ sum;
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    sum = of(t15, a) ^ of(t14, a >>> 8) ^ of(t13, a >>> 16) ^ of(t12, a >>> 24);
    sum ^= of(t11, b) ^ of(t10, b >>> 8) ^ of(t9, b >>> 16) ^ of(t8, b >>> 24);
    sum ^= of(t7, c) ^ of(t6, c >>> 8) ^ of(t5, c >>> 16) ^ of(t4, c >>> 24);
    sum ^= of(t3, d) ^ of(t2, d >>> 8) ^ of(t1, d >>> 16) ^ of(t0, d >>> 24);
  }
  for (; at < bytes.length; at++) sum = of(t0, sum ^ view.getUint8(at)) ^ (sum >>> 8);
  return ~sum >>> 0;
}
