// What a Fetch answer holds of one partition → its records, read committed: batch by batch, each after its CRC-32C was checked. What
// a batch says of itself is believed only then. Never blocks the event loop for long, however much there is.
import { setImmediate as turn } from 'node:timers/promises';
import type { KafkaRecord, TopicPartition } from '../../contract/record.ts';
import { AbortedProducers, isAbortMarker, type AbortedTransaction } from './aborted-producers.ts';
import {
  batchFields,
  batchHeadBytes,
  nextOffsetOf,
  readBatchHeader,
  wholeBatchBytes,
  type BatchHeader,
} from './batch-header.ts';
import { compressions, mostUnpackedBytes, unpack } from './compressions.ts';
import { corruptBatch, type CorruptBatch } from './corrupt-batch.ts';
import { crc32c } from './crc32c.ts';
import { RecordReader } from './record-reader.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { largeBytes } from './output-options.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

export interface Fetched extends TopicPartition {
  /** The field `records` of the answer. It may end within a batch. Records are views of it. */
  readonly bytes: Buffer;
  /** What was asked for: records below it are passed over. */
  readonly fetchOffset: bigint;
  /** In any order. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** When so much was unpacked, the rest is left to the next fetch. The first batch is always unpacked. */
  readonly maxUnpackedBytes: number;
  /**
   * About so much is made of records, in bytes as `recordBytes` counts them, and the rest is left to the next fetch. It is one record at least,
   * and a sixteenth of the first batch, which would be unpacked too often otherwise. Absent: any.
   */
  readonly maxRecordBytes?: number | undefined;
  /** As of `CorruptBatch`. */
  readonly endOffset?: bigint | undefined;
}

export interface Decoded {
  readonly records: KafkaRecord[];
  /**
   * Where the next fetch goes on: past what was read or passed over, control batches, aborted ones, empty ones and gaps of
   * compaction included. It may lie within a batch of very many records.
   */
  readonly nextOffset: bigint;
  /** Of the last batch that was read or passed over; undefined where there was none, or it has none. */
  readonly leaderEpoch: number | undefined;
  /** The latest timestamp of that batch. */
  readonly lastTimestampMs: number | undefined;
  /** What was taken up beside `bytes`. */
  readonly unpackedBytes: number;
  /** Where reading ended because a batch cannot be read. */
  readonly corrupt: CorruptBatch | undefined;
}

/** Records and headers that one call makes, about: they weigh many times their bytes, so bytes do not bound them. */
const mostObjects = 250_000;
/** Between two turns of the event loop, some 1 ms: records and headers, or as many times so many bytes that are summed up. */
const sliceSteps = 4_096;
const bytesPerStep = 256;
/** A batch is unpacked about so often at most to be handed over in parts. */
const mostParts = 16;
const sliceBytes = sliceSteps * bytesPerStep;

/** Whatever the bytes are, `corrupt` is the only way in which they fail. Of large batches, the process unpacks one at a time. */
export async function decodeRecords(fetched: Fetched): Promise<Decoded> {
  const decoding = new Decoding(fetched, largeBytes);
  const decoded = await decoding.run();
  if (!decoding.isLarge) return decoded;
  return oneAtATime(() => new Decoding(fetched, mostUnpackedBytes).run());
}

class Decoding {
  /** Its first compressed batch unpacks to more than is allowed here: nothing was read of it. */
  isLarge = false;
  readonly #fetched: Fetched;
  readonly #maxFirstBytes: number;
  readonly #aborted: AbortedProducers;
  readonly #records: KafkaRecord[] = [];
  #made = 0;
  #recordBytes = 0;
  #nextOffset: bigint;
  #last: BatchHeader | undefined;
  #unpackedBytes = 0;
  #isUnpacked = false;
  #steps = 0;

  constructor(fetched: Fetched, maxFirstBytes: number) {
    this.#fetched = fetched;
    this.#maxFirstBytes = maxFirstBytes;
    this.#aborted = new AbortedProducers(fetched.abortedTransactions);
    this.#nextOffset = fetched.fetchOffset;
  }

  async run(): Promise<Decoded> {
    const { bytes } = this.#fetched;
    let corrupt: CorruptBatch | undefined;
    for (let at = 0; at < bytes.length && this.#made < mostObjects && this.#roomBytes > 0;) {
      const size = wholeBatchBytes(bytes, at);
      // A broker never sends a part of a batch and nothing before it (KIP-74): such a length would be waited for for ever.
      if (size === undefined && at > 0) break;
      const batch = bytes.subarray(at, size === undefined ? undefined : at + size);
      try {
        if (size === undefined) throw new UnreadableBatch('it is longer than what the broker sent of it');
        if ((await this.#read(batch)) === 'more') break;
        at += size;
      } catch (error) {
        if (!(error instanceof UnreadableBatch)) throw error;
        corrupt = corruptBatch(this.#fetched, at, this.#nextOffset, error);
        break;
      }
    }
    return {
      records: this.#records,
      nextOffset: this.#nextOffset,
      leaderEpoch:
        this.#last === undefined || this.#last.leaderEpoch < 0 ? undefined : this.#last.leaderEpoch,
      lastTimestampMs: this.#last?.maxTimestampMs,
      unpackedBytes: this.#unpackedBytes,
      corrupt,
    };
  }

  /** `more`: not all of the batch was read, for there is no room for more. */
  async #read(batch: Buffer): Promise<'done' | 'more'> {
    const header = readBatchHeader(batch);
    await this.#checkCrc(batch);
    const nextOffset = nextOffsetOf(header);
    if (nextOffset <= this.#nextOffset) return 'done';
    this.#aborted.reach(nextOffset - 1n);
    const isAborted = this.#aborted.has(header.producerId);
    if (header.isControl) {
      if (isAborted && this.#isAbortMarker(batch, header)) this.#aborted.end(header.producerId);
    } else if (!(isAborted && header.isTransactional)) return this.#readRecords(batch, header);
    this.#pass(header, nextOffset);
    return 'done';
  }

  async #checkCrc(batch: Buffer): Promise<void> {
    let sum = 0;
    for (let at: number = batchFields.attributes; at < batch.length; at += sliceBytes) {
      const slice = batch.subarray(at, at + sliceBytes);
      sum = crc32c(slice, sum);
      await this.#pace(slice.length / bytesPerStep);
    }
    if (sum !== batch.readUInt32BE(batchFields.crc))
      throw new UnreadableBatch('its bytes are not those that were written: its CRC-32C is another');
  }

  async #readRecords(batch: Buffer, header: BatchHeader): Promise<'done' | 'more'> {
    const bytes = await this.#unpack(batch, header);
    if (bytes === undefined) return 'more';
    const before = this.#records.length;
    const maxBytes = before > 0 ? this.#roomBytes : Math.max(this.#roomBytes, bytes.length / mostParts);
    try {
      const reader = new RecordReader(
        this.#fetched,
        header,
        bytes,
        this.#nextOffset,
        this.#records,
        maxBytes,
      );
      const isRead = await this.#readSlices(reader);
      this.#made += reader.made;
      this.#recordBytes += reader.bytesMade;
      this.#pass(header, isRead ? nextOffsetOf(header) : reader.nextOffset);
      return isRead ? 'done' : 'more';
    } catch (error) {
      this.#records.length = before;
      throw error;
    }
  }

  get #roomBytes(): number {
    return (this.#fetched.maxRecordBytes ?? Infinity) - this.#recordBytes;
  }

  /** Whether all records were read: false where there is no room for more. */
  async #readSlices(reader: RecordReader): Promise<boolean> {
    while (!reader.readSlice(sliceSteps)) {
      await this.#pace(sliceSteps);
      if (reader.isFull) return false;
      if (this.#made + reader.made >= mostObjects && !reader.isWithinRecord) return false;
    }
    await this.#pace(reader.made);
    return true;
  }

  #isAbortMarker(batch: Buffer, header: BatchHeader): boolean {
    const records: KafkaRecord[] = [];
    const bytes = batch.subarray(batchHeadBytes);
    new RecordReader(this.#fetched, header, bytes, header.baseOffset, records).readSlice(sliceSteps);
    return isAbortMarker(records[0]?.key);
  }

  /** The records, as they stand after the head of the batch; undefined where there is no room for them. */
  async #unpack(batch: Buffer, { compression }: BatchHeader): Promise<Buffer | undefined> {
    const packed = batch.subarray(batchHeadBytes);
    if (compression === 0) return packed;
    const name = compressions[compression];
    if (name === undefined) throw new UnreadableBatch(`its compression is unknown: ${compression}`);
    const isFirst = !this.#isUnpacked;
    const left = isFirst ? this.#maxFirstBytes : this.#fetched.maxUnpackedBytes - this.#unpackedBytes;
    if (left <= 0) return undefined;
    try {
      const bytes = await unpack(name, packed, Math.min(left, mostUnpackedBytes));
      this.#unpackedBytes += bytes.length;
      this.#isUnpacked = true;
      return bytes;
    } catch (error) {
      const isTooLarge = error instanceof UnreadableBatch && error.isTooLarge;
      if (!isTooLarge || (isFirst && left === mostUnpackedBytes)) throw error;
      this.isLarge = isFirst;
      return undefined;
    }
  }

  #pass(header: BatchHeader, nextOffset: bigint): void {
    this.#nextOffset = nextOffset;
    this.#last = header;
  }

  async #pace(steps: number): Promise<void> {
    this.#steps += steps;
    if (this.#steps < sliceSteps) return;
    this.#steps = 0;
    await turn();
  }
}
