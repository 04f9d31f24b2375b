// The format of Java's property files: names and values, as java.util.Properties reads them (its `load(Reader)`).

export interface JavaProperty {
  readonly name: string;
  readonly value: string;
  /** On which it begins, from 1. */
  readonly line: number;
}

export interface JavaProperties {
  /** In their order; of two with the same name the later one holds. */
  readonly properties: readonly JavaProperty[];
  /** Lines with a `\u` that four hexadecimal digits do not follow; the properties on them are left out. */
  readonly malformed: readonly number[];
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

const named: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

export function parseJavaProperties(text: string): JavaProperties {
  const properties: JavaProperty[] = [];
  const malformed: number[] = [];
  for (const { text: written, line } of logicalLines(text)) {
    const [name, value] = split(written).map(unescape);
    if (name === undefined || value === undefined) malformed.push(line);
    else properties.push({ name, value, line });
  }
  return { properties, malformed };
}

/** Without comments and empty lines; what a backslash at its end carries on stands in one. */
function* logicalLines(text: string): Generator<LogicalLine> {
  let begun: LogicalLine = { text: '', line: 0 };
  for (const [index, natural] of text.split(/\r\n|[\r\n]/).entries()) {
    const stripped = natural.replace(/^[ \t\f]+/, '');
    if (begun.text === '' && (stripped === '' || /^[#!]/.test(stripped))) continue;
    const isContinued = /(?<!\\)(?:\\\\)*\\$/.test(stripped);
    const own = isContinued ? stripped.slice(0, -1) : stripped;
    begun = { text: begun.text + own, line: begun.text === '' ? index + 1 : begun.line };
    if (isContinued) continue;
    yield begun;
    begun = { text: '', line: 0 };
  }
  if (begun.text !== '') yield begun;
}

/** Name and value, still escaped. */
function split(written: string): [string, string] {
  let end = 0;
  while (end < written.length && !/[=: \t\f]/.test(written.charAt(end))) {
    end += written.charAt(end) === '\\' ? 2 : 1;
  }
  const rest = written.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
  return [written.slice(0, end), rest];
}

/** Undefined where a `\u` is malformed. */
function unescape(written: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\\u(?![\dA-Fa-f]{4})/.test(written)) return undefined;
  return written.replaceAll(/\\(?:u([\dA-Fa-f]{4})|(.?))/gs, (_, code: string | undefined, letter: string) =>
    code === undefined ? (named[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
