// How messages spell a field to its author: as YAML of a Trigger, or as an annotation.
import { stringify } from 'yaml';
import type { Path } from '../../contract/path.ts';

/** Both methods take the path of the field in the Trigger, also when the field was written as an annotation. */
export interface Wording {
  name(at: Path): string;
  /** A correct line to write, in backquotes. */
  example(at: Path, value: unknown): string;
}

export const triggerWording: Wording = {
  name: (at) => String(at.at(-1)),
  example: (at, value) => {
    const last = at.at(-1);
    const key = typeof last === 'string' ? `${flow(last)}:` : '-';
    return `\`${key} ${flow(value)}\``;
  },
};

/** A value as YAML on one line. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
