// The patterns of `matches`: RE2 (linear in the text, without backtracking), compiled with the expression that holds them.
import type { CelFunc } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { spend } from './meter.ts';
import { derive, standardFunctions } from './cel-functions.ts';

/** So many characters, at most. */
const maxPatternLength = 512;
/** So many instructions, at most: `(a{30}){30}` is a short text and a large program. */
const maxProgramSize = 2_000;
/** At worst an instruction is looked at for each character of the text: so many of these cost a unit. */
const stepsPerUnit = 4;

export interface Pattern {
  readonly size: number;
  test(text: string): boolean;
}

export type PatternResult =
  | { readonly kind: 'pattern'; readonly pattern: Pattern }
  | { readonly kind: 'wrong'; readonly message: string };

export function compilePattern(source: string): PatternResult {
  if (source.length > maxPatternLength)
    return wrong(`the pattern has ${source.length} characters; at most ${maxPatternLength} may be`);
  try {
    const compiled = RE2JS.compile(source);
    const size = compiled.re2Input.prog.numInst();
    if (size > maxProgramSize)
      return wrong(`the pattern makes ${size} states; at most ${maxProgramSize} may be`);
    return { kind: 'pattern', pattern: { size, test: (text) => compiled.test(text) } };
  } catch (error) {
    return wrong(`the pattern is none of RE2: ${(error as Error).message}`);
  }
}

function wrong(message: string): PatternResult {
  return { kind: 'wrong', message };
}

const matches = standardFunctions.find(({ name }) => name === 'matches') as CelFunc;

/** `matches`, for these patterns alone. */
export function createMatches(patterns: ReadonlyMap<string, Pattern>): CelFunc {
  return derive(matches, {
    call: (_id, target, [source]) => {
      const pattern = patterns.get(source as string);
      if (typeof target !== 'string' || pattern === undefined) return undefined;
      spend((target.length * pattern.size) / stepsPerUnit);
      return pattern.test(target);
    },
  });
}
