// Which producers' records are of aborted transactions, batch by batch, as Java's consumer finds it: transactions of one producer
// follow each other, those of several overlap.

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export class AbortedProducers {
  /** By first offset, the first one last. Brokers list them in the order in which they end. */
  readonly #toCome: AbortedTransaction[];
  readonly #aborting = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#toCome = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? 1 : -1));
  }

  /** Transactions that begin up to `offset` have begun. Offsets must grow. */
  reach(offset: bigint): void {
    for (
      let next = this.#toCome.at(-1);
      next !== undefined && next.firstOffset <= offset;
      next = this.#toCome.at(-1)
    ) {
      this.#aborting.add(next.producerId);
      this.#toCome.pop();
    }
  }

  has(producerId: bigint): boolean {
    return this.#aborting.has(producerId);
  }

  /** Its abort marker was read. */
  end(producerId: bigint): void {
    this.#aborting.delete(producerId);
  }
}

/** The key of a control record is a version and a type, both int16; type 0 is an abort (KIP-98). */
export function isAbortMarker(key: Buffer | null | undefined): boolean {
  return key != null && key.length >= 4 && key.readInt16BE(2) === 0;
}
