// A fuzz target: code that reads untrusted bytes, and what must hold for any input.

export interface Target {
  readonly name: string;
  /** Valid inputs and stored ones, from which mutations start. */
  readonly seeds: readonly Buffer[];
  /** Throws or rejects if a property does not hold. */
  attempt(input: Buffer): void | Promise<void>;
}

const separator = 0x1e;

/** Splits an input into several texts at U+001E, which no target needs otherwise. */
export function partsOf(input: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = input.indexOf(separator); at !== -1; at = input.indexOf(separator, from)) {
    parts.push(input.subarray(from, at));
    from = at + 1;
  }
  return [...parts, input.subarray(from)];
}

export function seedOf(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join(String.fromCharCode(separator)));
}
