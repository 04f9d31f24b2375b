// The name of a header: UTF-8 by convention (KIP-82), any bytes in fact. What is no UTF-8 keeps its bytes beside the text, so that
// it is stored again as it was.
import { isAscii, isUtf8 } from 'node:buffer';
import type { RecordHeader } from '../../contract/record.ts';

export interface HeaderName {
  readonly name: string;
  readonly nameBytes: Buffer | undefined;
}

export function readHeaderName(bytes: Buffer, from: number, to: number): HeaderName {
  const nameBytes = bytes.subarray(from, to);
  if (isAscii(nameBytes)) return { name: nameBytes.toString('latin1'), nameBytes: undefined };
  return { name: nameBytes.toString(), nameBytes: isUtf8(nameBytes) ? undefined : nameBytes };
}

/** The bytes that stand for the name in Kafka. */
export function headerNameBytes({ name, nameBytes }: Pick<RecordHeader, 'name' | 'nameBytes'>): Buffer {
  return nameBytes ?? Buffer.from(name);
}
