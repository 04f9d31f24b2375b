// Records of aborted transactions are not read. kafkajs 2.2.4 takes the list of them, which comes with a fetch, for one in the order in which
// they begin; brokers give it in the order in which they end, and of transactions that overlap records would be read that were never
// committed. Here they are found as Java's consumer does it, before kafkajs looks for them.
import { createRequire } from 'node:module';

/** What we use of a record as kafkajs decodes it. */
export interface DecodedRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface FetchedPartition {
  readonly messages: readonly DecodedRecord[];
  abortedTransactions: readonly AbortedTransaction[] | null;
}

interface FetchDecoder {
  decode: (raw: unknown) => Promise<{
    readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
  }>;
}

/** Fetch, from the first version that tells of transactions to the last that kafkajs speaks. */
const versions = [4, 5, 6, 7, 8, 9, 10, 11];
let isMended = false;

/** For every kafkajs client of this process; again makes no difference. */
export function mendReadCommitted(): void {
  if (isMended) return;
  isMended = true;
  const require = createRequire(import.meta.url);
  for (const version of versions) {
    const decoder = require(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`) as FetchDecoder;
    const { decode } = decoder;
    decoder.decode = async (raw) => {
      const fetched = await decode(raw);
      for (const { partitions } of fetched.responses) for (const one of partitions) hideAborted(one);
      return fetched;
    };
  }
}

/** Makes control records, which kafkajs shows to nobody, of those of aborted transactions. */
export function hideAborted(partition: FetchedPartition): void {
  const { messages, abortedTransactions } = partition;
  if (abortedTransactions === null || abortedTransactions.length === 0) return;
  const toCome = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? 1 : -1));
  const aborting = new Set<string>();
  for (const message of messages) {
    const { producerId, inTransaction } = message.batchContext;
    const offset = BigInt(message.offset);
    while ((toCome.at(-1)?.firstOffset ?? offset + 1n) <= offset)
      aborting.add(toCome.pop()?.producerId ?? '');
    if (message.isControlRecord) {
      if (isAbortMarker(message.key)) aborting.delete(producerId);
    } else if (inTransaction && aborting.has(producerId)) message.isControlRecord = true;
  }
  partition.abortedTransactions = [];
}

/** The key of a control record: version, then type, both int16; 0 is an abort (KIP-98). */
function isAbortMarker(key: Buffer | null): boolean {
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}
