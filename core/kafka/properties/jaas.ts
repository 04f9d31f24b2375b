// The login of `sasl.jaas.config`: a module, and options for it, as Kafka's JaasConfig reads them with a java.io.StreamTokenizer, but that
// a value without quotes may have more than letters. What is written there may be secret in every part: no mistake repeats any of it.

export interface JaasLogin {
  /** The last part of the name of the class: some clients carry Kafka's under a name of their own. */
  readonly module: string;
  readonly options: ReadonlyMap<string, string>;
}

export type JaasVerdict =
  | { readonly kind: 'right'; readonly login: JaasLogin }
  | { readonly kind: 'wrong'; readonly message: string; readonly remedy: string };

type Token = { readonly sign: '=' | ';' } | { readonly word: string };

const form = 'It is a module, `required`, then `name="value"` for each option, and a `;` at the end.';
const quoting = 'A quote within has a backslash before it, which a properties file wants written twice.';
const flags = ['required', 'requisite', 'sufficient', 'optional'];

export function parseJaas(text: string): JaasVerdict {
  const tokens = tokenize(text);
  if (tokens === undefined) return wrong('has a quoted value without its closing quote', quoting);
  const [module, flag, ...rest] = tokens;
  if (module === undefined || !('word' in module)) return wrong('does not begin with a login module', form);
  if (flag === undefined || !('word' in flag) || !flags.includes(flag.word.toLowerCase()))
    return wrong('has no `required` after the login module', form);
  const end = rest.findIndex((token) => 'sign' in token && token.sign === ';');
  if (end === -1) return wrong('does not end with a `;`', `${form} A value with a slash needs quotes.`);
  if (end < rest.length - 1)
    return wrong('goes on after its `;`', 'Keep one login module. A value with a `;` needs quotes.');
  const options = readOptions(rest.slice(0, end));
  if (options === undefined)
    return wrong('has an option that is not `name="value"`', 'A value with blanks, `=` or `;` needs quotes.');
  return { kind: 'right', login: { module: module.word.replace(/^.*\./s, ''), options } };
}

function wrong(message: string, remedy: string): JaasVerdict {
  return { kind: 'wrong', message, remedy };
}

function readOptions(tokens: readonly Token[]): Map<string, string> | undefined {
  const options = new Map<string, string>();
  for (let index = 0; index < tokens.length; index += 3) {
    const [name, equals, value] = tokens.slice(index, index + 3);
    if (name === undefined || !('word' in name)) return undefined;
    if (equals === undefined || !('sign' in equals)) return undefined;
    if (value === undefined || !('word' in value)) return undefined;
    options.set(name.word, value.word);
  }
  return options;
}

/** Blanks, comments (a slash is enough to begin one), signs, quoted texts, words. A quoted text ends on its line. */
const pattern =
  /[\0-\x20]+|\/\*.*?(?:\*\/|$)|\/[^\r\n]*|([=;])|"((?:\\.|[^"\\\r\n])*)("?)|'((?:\\.|[^'\\\r\n])*)('?)|([^\0-\x20=;"'/]+)/gsy;

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (const match of text.matchAll(pattern)) {
    const [, sign, double, doubleEnd, single, singleEnd, word]: readonly (string | undefined)[] = match;
    const quoted = double ?? single;
    if (quoted !== undefined) {
      if ((doubleEnd ?? singleEnd) === '') return undefined;
      tokens.push({ word: unescape(quoted) });
    } else if (word !== undefined) tokens.push({ word });
    else if (sign !== undefined) tokens.push({ sign: sign === '=' ? '=' : ';' });
  }
  return tokens;
}

const named: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The escapes of a StreamTokenizer: those of C, with octal numbers up to \377. */
function unescape(quoted: string): string {
  return quoted.replaceAll(
    /\\(?:([0-3][0-7]{0,2}|[4-7][0-7]?)|(.))/gs,
    (_, octal: string | undefined, letter: string) =>
      octal === undefined ? (named[letter] ?? letter) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
