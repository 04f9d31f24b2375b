// `topicPattern` of a Trigger: which topics a source reads, where it names none.
import { RE2JS } from '@bufbuild/re2';

export interface TopicPattern {
  /** Whether it matches the whole name of a topic. */
  test(topic: string): boolean;
}

/** Instructions of a compiled pattern; matching takes so many steps for each character of a name, at most. */
const maxPatternSize = 500;
/** To compile takes its time too. */
const maxPatternLength = 1_000;

/**
 * A `topicPattern`, undefined where it is none. RE2, which never goes back in the text: patterns are other people's, and one of them
 * must not hold up the triggers of all.
 */
export function compileTopicPattern(pattern: string): TopicPattern | undefined {
  if (pattern.length > maxPatternLength) return undefined;
  try {
    // Compiled alone first: `a)|(b` is one only inside the parentheses that anchor it.
    RE2JS.compile(pattern);
    const whole = RE2JS.compile(`^(?:${pattern})$`);
    return whole.re2Input.prog.numInst() <= maxPatternSize ? whole : undefined;
  } catch {
    return undefined;
  }
}
