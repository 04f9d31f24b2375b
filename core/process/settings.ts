// How every process reads its settings: a table says what each variable means, and one function reads a table from the environment. It
// collects all mistakes, throws them as one MILLRACE_CONFIG_INVALID, and never repeats a secret or a password in an address.
import { MillraceError } from '../contract/errors.ts';
import { withoutCredentials } from '../contract/manifest-problem.ts';
import { parseDuration } from '../resources/schema/duration.ts';
import { parseQuantity } from '../resources/schema/quantity.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** What the text of a setting may be. */
interface Kind<T> {
  /** Returns undefined where the text is wrong. */
  readonly parse: (text: string) => T | undefined;
  /** What `parse` takes. It follows "expected" in a message. */
  readonly expected: string;
}

export interface Setting<T = unknown> extends Kind<T> {
  /** The text that counts where the variable is absent or empty. Without a default, the setting has no value then. */
  readonly default?: string;
  /** For docs/reference/configuration.md. */
  readonly help: string;
  /** A message shows `***` instead of the text. */
  readonly isSecret?: true;
}

/** Variable → what it means. */
export type Settings = Readonly<Record<string, Setting>>;

/** A setting with a default always has a value. */
export type ValuesOf<Table extends Settings> = {
  readonly [Name in keyof Table]:
    | Exclude<ReturnType<Table[Name]['parse']>, undefined>
    | (Table[Name] extends { readonly default: string } ? never : undefined);
};

/** Adds a mistake: what was expected of `name`. Only the first mistake in a setting counts. */
export type Refuse<Name> = (name: Name, expected: string) => void;

/**
 * Reads the settings of `table` from `env`. `build` makes the configuration of their values, and refuses settings that do not go together.
 * An empty variable counts as absent. Throws MILLRACE_CONFIG_INVALID with all mistakes.
 */
export function readSettings<Table extends Settings, Config>(
  table: Table,
  env: Env,
  build: (values: ValuesOf<Table>, refuse: Refuse<keyof Table & string>) => Config,
): Config {
  const mistakes = new Map<string, string>();
  const refuse = (name: string, expected: string): void => {
    const text = textIn(env, name) || (table[name]?.default ?? '');
    const shown = table[name]?.isSecret === true && text !== '' ? '***' : withoutCredentials(text);
    if (!mistakes.has(name)) mistakes.set(name, `${name} is ${JSON.stringify(shown)}, expected ${expected}`);
  };
  const values = Object.entries(table).map(([name, setting]) => {
    const text = textIn(env, name);
    const given = text === '' ? undefined : setting.parse(text);
    if (text !== '' && given === undefined) refuse(name, setting.expected);
    // After a mistake the default only keeps `build` going: what it returns is thrown away.
    return [name, given ?? (setting.default === undefined ? undefined : setting.parse(setting.default))];
  });
  const config = build(Object.fromEntries(values) as ValuesOf<Table>, refuse);
  if (mistakes.size > 0)
    throw new MillraceError('MILLRACE_CONFIG_INVALID', [...mistakes.values()].join('; '));
  return config;
}

/**
 * The files of a certificate and of its key, by the names of their two settings; undefined where neither is set. Refuses one without the
 * other.
 */
export function certificateOf<Cert extends string, Key extends string>(
  certName: Cert,
  keyName: Key,
  values: Readonly<Record<Cert | Key, string | undefined>>,
  refuse: Refuse<Cert | Key>,
): { readonly certPath: string; readonly keyPath: string } | undefined {
  const { [certName]: certPath, [keyName]: keyPath } = values;
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  if (certPath !== undefined) refuse(keyName, `a file, as ${certName} has one`);
  if (keyPath !== undefined) refuse(certName, `a file, as ${keyName} has one`);
  return undefined;
}

function textIn(env: Env, name: string): string {
  return env[name]?.trim() ?? '';
}

export const text = { parse: (given: string) => given, expected: 'a text' };

/** 0 stands for any free port. */
export const port = {
  parse: (given: string) => (/^\d{1,5}$/.test(given) && Number(given) <= 65_535 ? Number(given) : undefined),
  expected: 'a port from 0 to 65535',
};

export const count = {
  parse: (given: string) => (/^[1-9]\d{0,9}$/.test(given) ? Number(given) : undefined),
  expected: 'a whole number above 0',
};

/** In ms. */
export const duration = { parse: parseDuration, expected: 'a duration such as PT25S' };

/** In bytes. */
export const size = { parse: parseQuantity, expected: 'a size such as 32Mi' };

export const trueOrFalse = {
  parse: (given: string) => (given === 'true' ? true : given === 'false' ? false : undefined),
  expected: 'true or false',
};

/** Texts with commas between them. Empty ones are left out. */
export const list = {
  parse: (given: string): readonly string[] => given.split(',').flatMap((one) => one.trim() || []),
  expected: 'texts, separated by commas',
};
