// How fields are named and spelt to the person who wrote them: as YAML below a Trigger, or as annotations.
import { stringify } from 'yaml';
import type { Path } from '../../contract/path.ts';

/** Both take the path of the field in a Trigger, wherever it was written. */
export interface Wording {
  name(at: Path): string;
  /** A right line to write, in backquotes. */
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
