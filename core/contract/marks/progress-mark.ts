// A progress mark: what a group knows of one partition beyond its committed offset, encoded as text for the commit's metadata. Decoding
// never reports more as settled than was written: damaged, foreign or newer metadata counts as an empty mark. Whether it is true of the
// log that is there now, only a comparison with that log tells: core/kafka/offsets/judge-commit.ts.
//
//   mr2. base64url( kind  partitions + 1  end − committed  log  open set  blocked  attempts  checksum )
//
//   numbers    LEB128, at most 63 bits; partitions + 1 is 0 if the number of partitions is unknown
//   open set   kind 0: their number, then the gap before each · kind 1: a bitmap from the committed offset, 1 where open
//   log        if 4 is added to the kind: the cluster (4 bytes), the topic (8 bytes), leader epoch + 1, which is 0 if it is unknown; if 8
//              is added too: the number of the partition
//   blocked    if 2 is added to the kind: their number, then the gap before each
//   attempts   the gap before the offset, then its number of attempts; repeated until the checksum
//   checksum   CRC-32 of the committed offset and all of the above: a mark beside another offset is invalid
//
// Marks of the first version begin with `mr1.` and name no log. They are read, and not written any more.
import { crc32 } from 'node:zlib';
import {
  ByteReader,
  ByteWriter,
  bigVarintBytes,
  checksumBytes,
  checksumOf,
  varintBytes,
} from './mark-bytes.ts';

/** What a group knows of one partition beyond its committed offset. */
export interface ProgressMark {
  /** Ascending offsets from the committed one on that are not settled, among those below `end`. The first may be the committed one. */
  readonly open: readonly bigint[];
  /**
   * One past the highest offset that is known to be settled. If it is not above the committed offset, nothing beyond that is settled.
   * Every offset from the committed one to `end` that is not `open` is settled, or never was a record.
   */
  readonly end: bigint;
  /**
   * Open offset → attempts made, at least one. An offset may lie at or above `end`: for example that of the first record, which is being
   * retried while nothing behind it is settled. As many as fit, the lowest offsets first.
   */
  readonly attempts: ReadonlyMap<bigint, number>;
  /**
   * Ascending open offsets whose records block their lanes: there is no dead-letter topic, and nothing behind them passes. As many as fit,
   * the lowest first; absent for none. Who settles records may ignore it. Whoever counts replicas needs it.
   */
  readonly blocked?: readonly bigint[] | undefined;
  /**
   * How many partitions the topic had when the group started to read it. A partition with a higher number and without an offset was added
   * later. Undefined if that is unknown.
   */
  readonly partitions: number | undefined;
  /** The log that this is true of; absent where it is not known. */
  readonly log?: MarkedLog | undefined;
}

/** The log of a partition, as a mark names it; without a number, of any partition of the topic. */
export interface MarkedLog {
  /** What stands for the id of the cluster: 8 hexadecimal digits. */
  readonly cluster: string;
  /** The first 16 hexadecimal digits of the topic's id. */
  readonly topic: string;
  /** A leader epoch in which the log held all records that the mark speaks of, as far as it is known (KIP-320). */
  readonly epoch: number | undefined;
  /** Absent from the first marks of this version. */
  readonly partition?: number | undefined;
}

/** Of a topic id and a cluster id; undefined where either is not known. */
export function markedLog(
  topicId: string | undefined,
  clusterId: string | undefined,
  { epoch, partition }: { readonly epoch?: number | undefined; readonly partition?: number } = {},
): MarkedLog | undefined {
  if (topicId === undefined || clusterId === undefined) return undefined;
  const cluster = crc32(clusterId).toString(16).padStart(8, '0');
  const log = { cluster, topic: topicId.slice(0, topicBytes * 2), epoch };
  return partition === undefined ? log : { ...log, partition };
}

/** Whether what is marked is the topic of `log`, whichever partition of it. */
export function isOfTopic(marked: MarkedLog | undefined, log: MarkedLog | undefined): boolean {
  return marked !== undefined && marked.cluster === log?.cluster && marked.topic === log.topic;
}

/** As `isOfTopic`, and its partition: a mark may have been copied beside another one. A mark that names none is believed. */
export function isOfLog(marked: MarkedLog | undefined, log: MarkedLog | undefined): boolean {
  return isOfTopic(marked, log) && (marked?.partition ?? log?.partition) === log?.partition;
}

/** Kafka's default of `offset.metadata.max.bytes`: the most metadata of a commit, for each partition. Longer metadata is not a mark. */
export const maxMarkBytes = 4096;
/** With less, even the number of partitions might not fit. */
export const minMarkBytes = 64;

const prefix = 'mr2.';
const firstPrefix = 'mr1.';
const kinds = { list: 0, bitmap: 1 } as const;
/** Added to a kind. */
const withBlocked = 2;
const withLog = 4;
const withPartition = 8;
const clusterBytes = 4;
const topicBytes = 8;
const maxEpoch = 2 ** 31 - 1;
const maxOffset = 2n ** 63n - 1n;
const maxPartitions = 2 ** 31 - 1;

/**
 * The bytes that are left for the open set and the attempts, in the worst case of what precedes them: kind, partitions, end, log, and the
 * number of open offsets in a list.
 */
export function markRoom(maxBytes: number): number {
  const log = clusterBytes + topicBytes + varintBytes(maxEpoch + 1) + varintBytes(maxPartitions);
  return payloadBytes(maxBytes) - 1 - varintBytes(maxPartitions + 1) - 9 - log - 2;
}

/**
 * ASCII text of at most `maxBytes` (64 to `maxMarkBytes`); empty for an empty mark. If not everything fits, the attempts of the highest
 * offsets are dropped first. Then `end` is lowered until the open set fits: records that are forgotten as settled are only sent again.
 */
export function encodeMark(committed: bigint, mark: ProgressMark, maxBytes = maxMarkBytes): string {
  if (maxBytes < minMarkBytes || maxBytes > maxMarkBytes)
    throw new RangeError(`a mark has ${minMarkBytes} to ${maxMarkBytes} bytes, not ${maxBytes}`);
  const end = mark.end > committed ? mark.end : committed;
  const attempts = [...mark.attempts].filter(([offset, made]) => offset >= committed && made > 0);
  const blocking = (mark.blocked ?? []).filter((offset) => offset >= committed);
  const { log } = mark;
  const isEmpty = end === committed && attempts.length + blocking.length === 0 && log === undefined;
  if (isEmpty && mark.partitions === undefined) return '';
  const writer = new ByteWriter(payloadBytes(maxBytes));
  const partitions = BigInt((mark.partitions ?? -1) + 1);
  const head = 1 + bigVarintBytes(partitions) + bigVarintBytes(end - committed) + logBytes(log);
  const free = writer.free - head;
  const set = chooseOpenSet(committed, mark.open, end, free);
  const blocked = fitBlocked(committed, blocking, (free - set.bytes) * blockedShare);
  const flags = (blocked.length > 0 ? withBlocked : 0) + logFlags(log);
  writer.byte(kinds[set.kind] + flags);
  writer.varint(partitions);
  writer.varint(set.end - committed);
  if (log !== undefined) writeLog(writer, log);
  if (set.kind === 'list') writeList(writer, committed, mark.open, set.count);
  else writeBitmap(writer, committed, mark.open, set);
  if (blocked.length > 0) writeList(writer, committed, blocked, blocked.length);
  writeAttempts(writer, committed, attempts);
  return prefix + writer.close(committed);
}

/** The mark in `metadata`, which was committed with the offset `committed`; an empty mark if it has none. Never throws. */
export function decodeMark(committed: bigint, metadata: string): ProgressMark {
  return readMark(committed, metadata) ?? emptyMark(committed);
}

/** Which version of a mark this text claims to be; undefined where it is something else. */
export function markVersion(metadata: string): 1 | 2 | undefined {
  if (metadata.startsWith(prefix)) return 2;
  return metadata.startsWith(firstPrefix) ? 1 : undefined;
}

/** What of `mark` is said about offsets below `end`. */
export function cutMark(committed: bigint, mark: ProgressMark, end: bigint): ProgressMark {
  if (end <= committed) return { ...emptyMark(committed), partitions: mark.partitions };
  const isKept = (offset: bigint): boolean => offset < end;
  return {
    ...mark,
    open: mark.open.filter(isKept),
    end: mark.end < end ? mark.end : end,
    attempts: new Map([...mark.attempts].filter(([offset]) => isKept(offset))),
    ...(mark.blocked && { blocked: mark.blocked.filter(isKept) }),
  };
}

export function emptyMark(committed: bigint): ProgressMark {
  return { open: [], end: committed, attempts: new Map(), partitions: undefined };
}

/** How many offsets beyond `committed` are settled, or never were a record. The backlog is smaller by this number. */
export function settledBeyond(committed: bigint, { open, end }: ProgressMark): bigint {
  const settled = end - committed - BigInt(open.length);
  return settled > 0n ? settled : 0n;
}

function logBytes(log: MarkedLog | undefined): number {
  if (log === undefined) return 0;
  const partition = log.partition === undefined ? 0 : varintBytes(log.partition);
  return clusterBytes + topicBytes + varintBytes((log.epoch ?? -1) + 1) + partition;
}

function logFlags(log: MarkedLog | undefined): number {
  if (log === undefined) return 0;
  return log.partition === undefined ? withLog : withLog + withPartition;
}

/** Four characters of base64 carry three bytes. */
function payloadBytes(maxBytes: number): number {
  return Math.floor(((maxBytes - prefix.length) * 3) / 4) - checksumBytes;
}

interface OpenSet {
  readonly kind: keyof typeof kinds;
  readonly bytes: number;
  /** How many of the open offsets lie below `end`. */
  readonly count: number;
  readonly end: bigint;
}

/** The encoding that reaches the higher `end` in `free` bytes; if both reach the same, the smaller one. */
function chooseOpenSet(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  const list = fitList(committed, open, end, free);
  const bitmap = fitBitmap(committed, open, end, free);
  const isList = list.end === bitmap.end ? list.bytes <= bitmap.bytes : list.end > bitmap.end;
  const best = isList ? list : bitmap;
  if (best.end === end) return best;
  let { count, end: cut } = best;
  while (count > 0 && open[count - 1] === cut - 1n) {
    count -= 1;
    cut -= 1n;
  }
  return { ...best, count, end: cut };
}

function fitList(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  let bytes = 0;
  let count = 0;
  let next = committed;
  for (const offset of open) {
    const more = bigVarintBytes(offset - next);
    if (varintBytes(count + 1) + bytes + more > free)
      return { kind: 'list', bytes: varintBytes(count) + bytes, count, end: offset };
    bytes += more;
    count += 1;
    next = offset + 1n;
  }
  return { kind: 'list', bytes: varintBytes(count) + bytes, count, end };
}

/** Of the room that the open set leaves: the attempts need the rest. */
const blockedShare = 1 / 2;

/** The lowest of `blocked` whose list takes at most `bytes`. */
function fitBlocked(committed: bigint, blocked: readonly bigint[], bytes: number): readonly bigint[] {
  let used = 0;
  let next = committed;
  for (const [count, offset] of blocked.entries()) {
    used += bigVarintBytes(offset - next);
    if (varintBytes(count + 1) + used > bytes) return blocked.slice(0, count);
    next = offset + 1n;
  }
  return blocked;
}

function fitBitmap(committed: bigint, open: readonly bigint[], end: bigint, free: number): OpenSet {
  const reach = committed + BigInt(free * 8);
  if (end <= reach) return { kind: 'bitmap', bytes: bitmapBytes(end - committed), count: open.length, end };
  const next = open.findIndex((offset) => offset >= reach);
  return { kind: 'bitmap', bytes: free, count: next === -1 ? open.length : next, end: reach };
}

/** The size of a bitmap over so many offsets. */
function bitmapBytes(offsets: bigint): number {
  return Number((offsets + 7n) / 8n);
}

function writeLog(writer: ByteWriter, { cluster, topic, epoch = -1, partition }: MarkedLog): void {
  for (const byte of Buffer.from(cluster + topic, 'hex')) writer.byte(byte);
  writer.varint(BigInt(epoch + 1));
  if (partition !== undefined) writer.varint(BigInt(partition));
}

function writeList(writer: ByteWriter, committed: bigint, open: readonly bigint[], count: number): void {
  writer.varint(BigInt(count));
  let next = committed;
  for (const offset of open.slice(0, count)) {
    writer.varint(offset - next);
    next = offset + 1n;
  }
}

function writeBitmap(
  writer: ByteWriter,
  committed: bigint,
  open: readonly bigint[],
  { count, end }: OpenSet,
): void {
  const bits = new Uint8Array(bitmapBytes(end - committed));
  for (const offset of open.slice(0, count)) {
    const bit = Number(offset - committed);
    bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
  }
  for (const byte of bits) writer.byte(byte);
}

function writeAttempts(writer: ByteWriter, committed: bigint, attempts: [bigint, number][]): void {
  attempts.sort(([a], [b]) => (a < b ? -1 : 1));
  let next = committed;
  for (const [offset, made] of attempts) {
    if (bigVarintBytes(offset - next) + varintBytes(made) > writer.free) return;
    writer.varint(offset - next);
    writer.varint(BigInt(made));
    next = offset + 1n;
  }
}

/** As `decodeMark`; undefined if there is none that can be read. */
export function readMark(committed: bigint, metadata: string): ProgressMark | undefined {
  const version = markVersion(metadata);
  if (version === undefined || metadata.length > maxMarkBytes) return undefined;
  const text = metadata.slice(prefix.length);
  const bytes = Buffer.from(text, 'base64url');
  const length = bytes.length - checksumBytes;
  // Node decodes base64 leniently. Only the exact text that `encodeMark` would write is valid.
  if (length < 0 || bytes.toString('base64url') !== text) return undefined;
  const payload = bytes.subarray(0, length);
  if (bytes.readUInt32BE(length) !== checksumOf(committed, payload)) return undefined;
  const reader = new ByteReader(payload);
  const kind = reader.byte();
  const partitions = Number(reader.varint()) - 1;
  const end = committed + reader.varint();
  if (partitions > maxPartitions || end > maxOffset) return undefined;
  const isWithBlocked = (kind & withBlocked) !== 0;
  const isWithLog = version === 2 && (kind & withLog) !== 0;
  const isWithPartition = isWithLog && (kind & withPartition) !== 0;
  const log = isWithLog ? readLog(reader, isWithPartition) : undefined;
  if ((log?.epoch ?? 0) > maxEpoch || (log?.partition ?? 0) > maxPartitions) return undefined;
  const known = withBlocked | (isWithLog ? withLog : 0) | (isWithPartition ? withPartition : 0);
  const open = readOpenSet(reader, kind & ~known, committed, end);
  const blocked = isWithBlocked ? readList(reader, committed, maxOffset) : [];
  const attempts = readAttempts(reader, committed);
  if (open === undefined || blocked === undefined || attempts === undefined || reader.isBroken)
    return undefined;
  const mark = { open, end, attempts, partitions: partitions < 0 ? undefined : partitions };
  return { ...mark, ...(isWithBlocked && { blocked }), ...(log !== undefined && { log }) };
}

function readLog(reader: ByteReader, isWithPartition: boolean): MarkedLog {
  const hex = (count: number): string =>
    Buffer.from(Array.from({ length: count }, () => reader.byte())).toString('hex');
  const [cluster, topic] = [hex(clusterBytes), hex(topicBytes)];
  const epoch = Number(reader.varint()) - 1;
  const log = { cluster, topic, epoch: epoch < 0 ? undefined : epoch };
  return isWithPartition ? { ...log, partition: Number(reader.varint()) } : log;
}

function readOpenSet(reader: ByteReader, kind: number, committed: bigint, end: bigint): bigint[] | undefined {
  if (kind === kinds.list) return readList(reader, committed, end);
  if (kind === kinds.bitmap) return readBitmap(reader, committed, end);
  return undefined;
}

function readList(reader: ByteReader, committed: bigint, end: bigint): bigint[] | undefined {
  const open: bigint[] = [];
  let next = committed;
  for (let left = reader.varint(); left > 0n && !reader.isBroken; left -= 1n) {
    const offset = next + reader.varint();
    if (offset >= end) return undefined;
    open.push(offset);
    next = offset + 1n;
  }
  return open;
}

function readBitmap(reader: ByteReader, committed: bigint, end: bigint): bigint[] | undefined {
  const open: bigint[] = [];
  for (let from = committed; from < end && !reader.isBroken; from += 8n) {
    const bits = reader.byte();
    for (let bit = 0; bit < 8; bit += 1) if ((bits & (1 << bit)) !== 0) open.push(from + BigInt(bit));
  }
  return (open.at(-1) ?? committed - 1n) < end ? open : undefined;
}

function readAttempts(reader: ByteReader, committed: bigint): Map<bigint, number> | undefined {
  const attempts = new Map<bigint, number>();
  let next = committed;
  while (!reader.isAtEnd && !reader.isBroken) {
    const offset = next + reader.varint();
    const made = Number(reader.varint());
    if (offset > maxOffset || made === 0 || made > Number.MAX_SAFE_INTEGER) return undefined;
    attempts.set(offset, made);
    next = offset + 1n;
  }
  return attempts;
}
