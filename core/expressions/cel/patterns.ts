// The patterns of `matches`: RE2 (linear in the text, without backtracking). They are compiled together with their expression.
import type { CelFunc } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { spend } from './cost-meter.ts';
import { derive, standardFunctions } from './cel-functions.ts';

/** The most characters of a pattern. */
const maxPatternLength = 512;
/** The most instructions of a compiled pattern: `(a{30}){30}` is a short text, but a large program. */
const maxProgramSize = 2_000;
/** In the worst case, matching takes one step for each instruction and character. So many steps cost one unit. */
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
    return wrong(`the pattern has ${source.length} characters, but at most ${maxPatternLength} are allowed`);
  try {
    const compiled = RE2JS.compile(source);
    const size = compiled.re2Input.prog.numInst();
    if (size > maxProgramSize)
      return wrong(`the pattern compiles to ${size} instructions, but at most ${maxProgramSize} are allowed`);
    return { kind: 'pattern', pattern: { size, test: (text) => compiled.test(text) } };
  } catch (error) {
    return wrong(`the pattern is not valid in RE2: ${(error as Error).message}`);
  }
}

function wrong(message: string): PatternResult {
  return { kind: 'wrong', message };
}

const matches = standardFunctions.find(({ name }) => name === 'matches') as CelFunc;

/** `matches`, for these patterns only. */
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
