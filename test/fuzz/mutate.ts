// Makes one hostile input from the known ones, by a few changes of the kinds that break parsers. Pure.
import type { Random } from '../fixtures/seeded-random.ts';

/** The longest input. Unbounded work shows with far shorter ones. */
export const maxInputBytes = 65_536;

const bytes = [
  0x00, 0x01, 0x09, 0x0a, 0x0d, 0x1e, 0x20, 0x22, 0x25, 0x2d, 0x2f, 0x5c, 0x7f, 0x80, 0xc0, 0xff,
];
const texts = [
  '-1 0 18446744073709551616 9007199254740993 1e999 NaN null __proto__ constructor',
  '\ud800 \u202e \u0130 \u{1f4a9} ﷽ \\u0000 \\ud83d %0d%0a %00 ../ ${} {{ }} "" \'\' \r\n',
  '() [] {} !! & * | > -- /* # : , ; = ~ ^ $ .* (a+)+ \\1 (?= {1,9999}',
].flatMap((line) => line.split(' '));

type Change = (input: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const changes: readonly Change[] = [
  function flip(input, random) {
    const flipped = Buffer.from(input);
    if (input.length > 0) flipped[random.between(0, input.length - 1)]! ^= 1 << random.between(0, 7);
    return flipped;
  },
  (input, random) => insert(input, Buffer.from([random.pick(bytes)]), random),
  (input, random) => insert(input, Buffer.from(random.pick(texts)), random),
  function cut(input, random) {
    const [from, to] = range(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  (input, random) => input.subarray(0, random.between(0, input.length)),
  function repeat(input, random) {
    const [from, to] = range(input, random);
    const times = random.chance(0.1) ? random.between(100, 5_000) : random.between(2, 20);
    const most = Math.floor(maxInputBytes / Math.max(1, to - from));
    const repeated = Array.from({ length: Math.min(times, most) }, () => input.subarray(from, to));
    return Buffer.concat([input.subarray(0, from), ...repeated, input.subarray(to)]);
  },
  function splice(input, random, others) {
    const other = random.pick(others);
    const [from, to] = range(other, random);
    return insert(input, other.subarray(from, to), random);
  },
];

/** Deterministic: the same random numbers and inputs give the same result. */
export function mutate(random: Random, known: readonly Buffer[]): Buffer {
  let input = random.pick(known);
  for (let left = random.between(1, 6); left > 0; left -= 1) {
    input = random.pick(changes)(input, random, known).subarray(0, maxInputBytes);
  }
  return Buffer.from(input);
}

function insert(input: Buffer, what: Buffer, random: Random): Buffer {
  const at = random.between(0, input.length);
  return Buffer.concat([input.subarray(0, at), what, input.subarray(at)]);
}

function range(input: Buffer, random: Random): [from: number, to: number] {
  const ends = [random.between(0, input.length), random.between(0, input.length)];
  return [Math.min(...ends), Math.max(...ends)];
}
