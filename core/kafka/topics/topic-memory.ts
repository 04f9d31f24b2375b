// What a source remembers of its topics for as long as it runs: which were there at first, which it has read, and by which
// ids, so that a topic that came later, or came again, is read from its start.

export class TopicMemory {
  #first: ReadonlySet<string> | undefined;
  readonly #ids = new Map<string, string | undefined>();
  readonly #again = new Set<string>();

  /** `found`: the topics of the source that exist. What the first call lacks came later. */
  scanned(found: readonly string[]): void {
    this.#first ??= new Set(found);
  }

  /** A partition of it was opened, while it had this id. */
  begin(topic: string, id: string | undefined): void {
    this.#ids.set(topic, id ?? this.#ids.get(topic));
  }

  hasBegun(topic: string): boolean {
    return this.#ids.has(topic);
  }

  idOf(topic: string): string | undefined {
    return this.#ids.get(topic);
  }

  /** True where `id` is not the one that was read: the topic was deleted and created again. Unknown ids tell nothing. */
  isAnother(topic: string, id: string | undefined): boolean {
    const known = this.#ids.get(topic);
    return known !== undefined && id !== undefined && known !== id;
  }

  noteAgain(topic: string): void {
    this.#again.add(topic);
  }

  isAgain(topic: string): boolean {
    return this.#again.has(topic);
  }

  isLater(topic: string): boolean {
    return this.#ids.has(topic) || this.#first?.has(topic) === false;
  }
}
