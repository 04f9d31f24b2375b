// `topicPattern` of a Trigger: a regular expression for the names of the topics to read.
import { RE2JS } from '@bufbuild/re2';

export interface TopicPattern {
  /** Whether it matches the whole name of a topic. */
  test(topic: string): boolean;
}

/** Instructions of a compiled pattern: the most steps that matching takes for each character of a name. */
const maxPatternSize = 500;
/** In characters: compiling takes time too. */
const maxPatternLength = 1_000;

/**
 * Compiles a `topicPattern`; undefined if it is invalid or too large. RE2 matches in linear time, without backtracking: a tenant's pattern
 * must not delay the triggers of others.
 */
export function compileTopicPattern(pattern: string): TopicPattern | undefined {
  if (pattern.length > maxPatternLength) return undefined;
  try {
    // Compiled alone first: `a)|(b` is invalid, but would be valid inside the parentheses below.
    RE2JS.compile(pattern);
    const whole = RE2JS.compile(`^(?:${pattern})$`);
    return whole.re2Input.prog.numInst() <= maxPatternSize ? whole : undefined;
  } catch {
    return undefined;
  }
}
