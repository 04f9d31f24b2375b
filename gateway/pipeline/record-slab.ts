// Copies records out of the answers that they were fetched in. A record's bytes are views of an answer, or of an unpacked batch, of a MiB or
// more, and the last record that is left of it would keep all of it in memory.
import type { KafkaRecord, RecordHeader } from '../../core/contract/record.ts';

/** Small records share so many bytes, which costs less than a buffer for each: at most so much is kept by one that is left. */
const slabBytes = 4_096;
/** A record that is larger has bytes of its own. */
const mostShared = slabBytes / 4;
const nothing = Buffer.alloc(0);

export class RecordSlab {
  #slab = nothing;
  #used = 0;

  /** From here on the record keeps no bytes but its own. */
  own(record: KafkaRecord): void {
    const size = sizeOf(record);
    if (size === 0 || isMostOfItsBuffer(record, size)) return;
    let slab = this.#slab;
    let at = this.#used;
    if (size > mostShared) {
      slab = Buffer.allocUnsafeSlow(size);
      at = 0;
    } else {
      if (at + size > slab.length) {
        slab = this.#slab = Buffer.allocUnsafeSlow(slabBytes);
        at = 0;
      }
      this.#used = at + size;
    }
    const copy = (bytes: Buffer): Buffer => {
      const from = at;
      at += bytes.copy(slab, at);
      return slab.subarray(from, at);
    };
    if (record.key !== null) record.key = copy(record.key);
    if (record.value !== null) record.value = copy(record.value);
    if (record.headers.length > 0) record.headers = record.headers.map((header) => ownHeader(header, copy));
  }
}

/** What a copy would free is less than the copy takes: a record that is nearly the whole batch is not copied. */
function isMostOfItsBuffer({ key, value }: KafkaRecord, size: number): boolean {
  const { buffer } = value ?? key ?? nothing;
  return size > mostShared && size * 2 > buffer.byteLength;
}

function sizeOf({ key, value, headers }: KafkaRecord): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += (header.nameBytes?.length ?? 0) + (header.value?.length ?? 0);
  return size;
}

function ownHeader({ name, nameBytes, value }: RecordHeader, copy: (bytes: Buffer) => Buffer): RecordHeader {
  const owned = { name, value: value && copy(value) };
  return nameBytes === undefined ? owned : { ...owned, nameBytes: copy(nameBytes) };
}
