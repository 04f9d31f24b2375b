// The standard functions of CEL. Each spends units on the meter for work beyond a fixed amount.
import {
  celEnv,
  celFunc,
  celMethod,
  CelScalar,
  listType,
  type CelFunc,
  type CelList,
  type CelValue,
} from '@bufbuild/cel';
import { checkMeter, spend } from './cost-meter.ts';
import { concatLists } from './values.ts';

/** A function of the library with another name, id or implementation. */
export function derive(
  from: CelFunc,
  own: { readonly name?: string; readonly id?: string; readonly call: CelFunc['call'] },
): CelFunc {
  const properties = Object.entries(own).map(([key, value]) => [key, { value }] as const);
  return Object.create(from, Object.fromEntries(properties)) as CelFunc;
}

const { BOOL, DYN, INT, STRING } = CelScalar;

/** A function without arguments that is implemented by `call`. */
export function createNullary(name: string, call: (id: number) => ReturnType<CelFunc['call']>): CelFunc {
  return derive(nullary, { name, id: `${name}()`, call: (id) => call(id) });
}

const nullary = celFunc('nullary', [], DYN, () => null);

type Maybe = CelValue | undefined;

/** So many characters, or bytes, cost one unit. */
const charactersPerUnit = 128;

function length(value: Maybe): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

/** Linear in the length of its strings and bytes. */
function linear(target: Maybe, args: readonly CelValue[]): number {
  let sum = length(target);
  for (const arg of args) sum += length(arg);
  return sum / charactersPerUnit;
}

/** In the worst case, V8 searches for a long string in time that grows with both lengths. */
function contains(target: Maybe, args: readonly CelValue[]): number {
  return linear(target, args) + (length(target) * length(args[0])) / 4096;
}

/** Parsing a whole number takes time quadratic in its digits. */
function wholeNumber(_target: Maybe, args: readonly CelValue[]): number {
  return length(args[0]) ** 2 / 4096;
}

/** Parsing times, durations and bytes takes ten times as long as an operator. */
function read(target: Maybe, args: readonly CelValue[]): number {
  return 10 + linear(target, args);
}

/** Looking a time zone up takes 0.1 ms. */
function zoned(): number {
  return 500;
}

type Cost = (target: Maybe, args: readonly CelValue[]) => number;

const comparisons = ['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_'];
const conversions = ['string', 'bytes', 'timestamp', 'duration'];
const costs: ReadonlyMap<string, Cost> = new Map<string, Cost>([
  ...[...comparisons, '_+_', '@in', 'startsWith', 'endsWith', 'double', 'bool'].map(
    (name) => [name, linear] as const,
  ),
  ...conversions.map((name) => [name, read] as const),
  ['contains', contains],
  ['int', wholeNumber],
  ['uint', wholeNumber],
]);

/** Types whose values may be long: strings and bytes, and so `dyn`, which may be either. */
const longTypes: ReadonlySet<string> = new Set(['string', 'bytes', 'dyn']);

function costOf({ name, target, arguments: types }: CelFunc): Cost | undefined {
  const isLong = [target, ...types].some((type) => type !== undefined && longTypes.has(type.name));
  if (!isLong) return undefined;
  return name.startsWith('get') ? zoned : costs.get(name);
}

/** Whether `func`, one of several of the same name, takes these values. It checks other types than strings and bytes itself. */
function takes(
  { target: type, arguments: types }: CelFunc,
  target: Maybe,
  args: readonly CelValue[],
): boolean {
  return (
    types.length === args.length &&
    fits(type, target) &&
    types.every((each, index) => fits(each, args[index]))
  );
}

function fits(type: CelFunc['target'], value: Maybe): boolean {
  if (type?.name === 'string') return typeof value === 'string';
  return type?.name !== 'bytes' || value instanceof Uint8Array;
}

/** `func`, with its cost spent before each call. An error of the meter is thrown again, because CEL would swallow it like other errors. */
function metered(func: CelFunc, cost: Cost): CelFunc {
  const call: CelFunc['call'] = (id, target, args) => {
    if (!takes(func, target, args)) return undefined;
    spend(cost(target, args));
    const result = func.call(id, target, args);
    checkMeter();
    return result;
  };
  return derive(func, { call });
}

/** The number of Unicode code points, as CEL counts them. A lone surrogate is one. */
function codePoints(text: string): bigint {
  spend(text.length / charactersPerUnit);
  let count = text.length;
  for (let at = 0; at < text.length - 1; at += 1) {
    const isHigh = (text.charCodeAt(at) & 0xfc00) === 0xd800;
    if (isHigh && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
      count -= 1;
      at += 1;
    }
  }
  return BigInt(count);
}

const list = listType(DYN);

/** Replacements for functions of the library whose time cannot be bounded. */
const replaced: readonly CelFunc[] = [
  celFunc('size', [STRING], INT, codePoints),
  celMethod('size', STRING, [], INT, function size() {
    return codePoints(this);
  }),
  celFunc('_+_', [list, list], list, (left: CelList, right: CelList) => concatLists(left, right)),
  // A placeholder: each expression has its own `matches`, with its own patterns (patterns.ts).
  celMethod('matches', STRING, [STRING], BOOL, () => false),
];

const replacedIds: ReadonlySet<string> = new Set(replaced.map(({ id }) => id));

/** All functions that an expression may call. */
export const standardFunctions: readonly CelFunc[] = [
  ...[...celEnv().funcs].filter(({ id }) => !replacedIds.has(id)),
  ...replaced,
].map((func) => {
  const cost = replacedIds.has(func.id) ? undefined : costOf(func);
  return cost === undefined ? func : metered(func, cost);
});
