// Properties of a Kafka client while they are judged: their values, the files that they name, and the mistakes in them.
import type { TakenProperty } from './client-property-names.ts';
import { show, type Problem } from '../../contract/manifest-problem.ts';

/** Those of a service binding have two names that Kafka has not. */
export type PropertyName = TakenProperty | 'username' | 'password';

export interface GivenProperty {
  readonly value: string;
  /** Its name where it was written. */
  readonly writtenAs: string;
  /** From 1. */
  readonly line?: number | undefined;
}

/** By path; or why there are none: nobody has read them yet, or nobody may. */
export type FileTexts = ReadonlyMap<string, string> | 'unread' | 'refused';

export class GivenProperties {
  readonly files = new Set<string>();
  readonly mistakes: Problem[] = [];
  readonly #given: ReadonlyMap<PropertyName, GivenProperty>;
  readonly #texts: FileTexts;

  constructor(given: ReadonlyMap<PropertyName, GivenProperty>, texts: FileTexts) {
    this.#given = given;
    this.#texts = texts;
  }

  names(): PropertyName[] {
    return [...this.#given.keys()];
  }

  /** Without the blanks around it, as Kafka takes it; undefined where it is missing. */
  value(name: PropertyName): string | undefined {
    return this.#given.get(name)?.value.trim();
  }

  /** As `value`, and undefined where it is empty too. */
  text(name: PropertyName): string | undefined {
    return this.value(name) || undefined;
  }

  /** What stands in the file `path`, which the property `name` names; undefined where it is not known. */
  file(name: PropertyName, path: string): string | undefined {
    this.files.add(path);
    if (this.#texts === 'unread') return undefined;
    if (this.#texts === 'refused') {
      this.wrong(
        name,
        'names a file, and a file of ours is not for whoever wrote this',
        'Write what stands in it.',
      );
      return undefined;
    }
    const text = this.#texts.get(path);
    if (text === undefined)
      this.wrong(
        name,
        `names the file ${show(path)}, which cannot be read`,
        'Write it, or correct the path.',
      );
    return text;
  }

  /** `message` goes on after the name, without a full stop; `remedy` is whole sentences. */
  wrong(name: PropertyName, message: string, remedy: string): void {
    const { writtenAs = name, line } = this.#given.get(name) ?? {};
    this.mistakes.push(problemOf(writtenAs, line, message, remedy));
  }
}

/** `name` is that of the property; empty where there is none. */
export function problemOf(name: string, line: number | undefined, message: string, remedy: string): Problem {
  return { code: 'MILLRACE_CONFIG_INVALID', path: name, line, message, remedy };
}
