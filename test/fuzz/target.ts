// What is fuzzed: something that takes bytes of a stranger, and what must hold of it whatever they are.

export interface Target {
  readonly name: string;
  /** Right inputs, and those that were interesting once: where mutations begin. */
  readonly seeds: readonly Buffer[];
  /** Throws, or rejects, where something does not hold. */
  attempt(input: Buffer): void | Promise<void>;
}

const separator = 0x1e;

/** The parts of an input that stands for several texts: U+001E, which no test needs otherwise, is between them. */
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
