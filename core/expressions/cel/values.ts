// Lists and maps of CEL over parsed JSON. Elements are converted only when an expression reads them, and each read is metered.
import { celList, celMap, type CelList, type CelMap, type CelValue } from '@bufbuild/cel';
import { spend } from './cost-meter.ts';

type Key = Parameters<CelMap['get']>[0];

/** The extra cost of a missing element, because CEL makes an error of it. */
const missCost = 10;

/** A value of `JSON.parse` as a value of CEL. Numbers are doubles, as in all of CEL's JSON. */
export function jsonToCel(value: unknown): CelValue {
  if (typeof value !== 'object' || value === null) return value as string | number | boolean | null;
  return Array.isArray(value) ? jsonList(value) : jsonMap(value as Record<string, unknown>);
}

class MeteredList {
  readonly size: number;
  readonly #items: unknown[];
  readonly #read: (item: unknown) => CelValue;
  /** Whether `#items` may grow behind the items of this list, which never reads those. */
  readonly #isShared: boolean;

  constructor(items: unknown[], read: (item: unknown) => CelValue, isShared: boolean) {
    this.size = items.length;
    this.#items = items;
    this.#read = read;
    this.#isShared = isShared;
  }

  get(index: number): CelValue | undefined {
    spend(1);
    if (Number.isInteger(index) && index >= 0 && index < this.size) return this.#read(this.#items[index]);
    spend(missCost);
    return undefined;
  }

  *values(): IterableIterator<CelValue> {
    for (let index = 0; index < this.size; index += 1) {
      spend(1);
      yield this.#read(this.#items[index]);
    }
  }

  [Symbol.iterator](): IterableIterator<CelValue> {
    return this.values();
  }

  /** This list followed by `more`, in time linear in `more`: `map` and `filter` add their results one by one. */
  concat(more: CelList): CelList {
    const isEnd = this.#isShared && this.#items.length === this.size;
    const items = isEnd ? this.#items : [...this.values()];
    for (const item of more) {
      spend(1);
      items.push(item);
    }
    return asList(new MeteredList(items, asItIs, true));
  }
}

class MeteredMap {
  readonly #entries: Readonly<Record<string, unknown>>;
  readonly #read: (item: unknown) => CelValue;
  #keys: string[] | undefined;

  constructor(entries: Readonly<Record<string, unknown>>, read: (item: unknown) => CelValue) {
    this.#entries = entries;
    this.#read = read;
  }

  get size(): number {
    return this.#names().length;
  }

  get(key: Key): CelValue | undefined {
    spend(1);
    if (typeof key === 'string' && Object.hasOwn(this.#entries, key)) return this.#read(this.#entries[key]);
    spend(missCost);
    return undefined;
  }

  /** True also if the value is null. */
  has(key: Key): boolean {
    spend(1);
    return typeof key === 'string' && Object.hasOwn(this.#entries, key);
  }

  keys(): IterableIterator<string> {
    return this.#names().values();
  }

  *entries(): IterableIterator<[string, CelValue]> {
    for (const key of this.#names()) {
      spend(1);
      yield [key, this.#read(this.#entries[key])];
    }
  }

  [Symbol.iterator](): IterableIterator<[string, CelValue]> {
    return this.entries();
  }

  #names(): string[] {
    spend(1);
    if (this.#keys === undefined) {
      this.#keys = Object.keys(this.#entries);
      spend(this.#keys.length);
    }
    return this.#keys;
  }
}

// The library recognizes its lists and maps by a property, which these classes inherit. It calls no other methods than those above.
Object.setPrototypeOf(MeteredList.prototype, celList([]));
Object.setPrototypeOf(MeteredMap.prototype, celMap(new Map()));

function asItIs(item: unknown): CelValue {
  return item as CelValue;
}

function asList(list: MeteredList): CelList {
  return list as unknown as CelList;
}

function jsonList(items: unknown[]): CelList {
  return asList(new MeteredList(items, jsonToCel, false));
}

function jsonMap(entries: Readonly<Record<string, unknown>>): CelMap {
  return new MeteredMap(entries, jsonToCel) as unknown as CelMap;
}

/** A map of values that are CEL values already. */
export function mapOf(entries: Readonly<Record<string, CelValue>>): CelMap {
  return new MeteredMap(entries, asItIs) as unknown as CelMap;
}

/** `left + right`. */
export function concatLists(left: CelList, right: CelList): CelList {
  const start = left instanceof MeteredList ? left : new MeteredList([...left], asItIs, true);
  spend(1);
  return start.concat(right);
}
