// The YAML documents of a file as plain values, with the position of each path in the file. It refuses invalid YAML, and documents that
// would exhaust memory or the stack: too many aliases, too deep, or cyclic.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import type { Path } from '../../contract/path.ts';
import type { Mistake, Problem } from '../../contract/manifest-problem.ts';

export interface ManifestFile {
  readonly file: string;
  readonly text: string;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlDocument {
  readonly file: string;
  /** Free of cycles and at most `maxDepth` deep. */
  readonly value: unknown;
  /** The position of the key or the value at `path`; if there is none, of the nearest parent. */
  locate(path: Path, on: Mistake['on']): Position;
}

const maxDepth = 100;

/** Reads every document of `text`, and leaves out those with a problem. */
export function parseYaml({ file, text }: ManifestFile): { documents: YamlDocument[]; problems: Problem[] } {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, stringKeys: true, merge: true } as const;
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  const parsed = parseAllDocuments(text, options) as Document.Parsed[];
  for (const document of parsed) {
    const positionOf = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    };
    const problem = (offset: number, message: string, remedy: string): number =>
      problems.push({
        code: 'MILLRACE_MANIFEST_INVALID',
        path: '',
        message,
        remedy,
        file,
        ...positionOf(offset),
      });
    for (const error of document.errors) problem(error.pos[0], ...describeSyntax(error));
    if (document.errors.length > 0) continue;
    const read = readValue(document);
    if (read.kind === 'refused') problem(document.range[0], read.message, read.remedy);
    else {
      const locate: YamlDocument['locate'] = (path, on) => positionOf(offsetOf(document, path, on));
      documents.push({ file, value: read.value, locate });
    }
  }
  return { documents, problems };
}

const syntaxRemedies: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: 'Keep one of the two.',
  NON_STRING_KEY: 'Write a plain word before the colon.',
  TAB_AS_INDENT: 'Indent with spaces.',
  RESOURCE_EXHAUSTION: 'Nest less deeply.',
};

/** Replaces messages in which the parser quotes the source in the middle: the source may be a Secret. */
const syntaxMessages: typeof syntaxRemedies = {
  BAD_DIRECTIVE: 'Unknown directive, or version',
  BAD_DQ_ESCAPE: 'Invalid escape sequence',
  TAG_RESOLVE_FAILED: 'Unknown tag',
};

function describeSyntax(error: YAMLError): [message: string, remedy: string] {
  const message = syntaxMessages[error.code] ?? withoutSource(error.message);
  const remedy = syntaxRemedies[error.code] ?? 'Correct the YAML here, or just above.';
  return [`cannot be read as YAML: ${message}`, remedy];
}

/** Removes the source that the parser quotes at the end of its message: it may be a Secret. */
function withoutSource(message: string): string {
  return message.replace(/(?<=\S): .*$/s, '');
}

type ReadValue =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

function readValue(document: Document.Parsed): ReadValue {
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // An alias without its anchor, a merge of something that is no mapping, or aliases of aliases that would exhaust memory.
    const message = `cannot be read as YAML: ${withoutSource((error as Error).message)}`;
    return { kind: 'refused', message, remedy: 'Write the values out instead of using aliases.' };
  }
  if (!isShallow(value, [])) {
    const message = `is nested more than ${maxDepth} deep, or contains itself by an alias`;
    return { kind: 'refused', message, remedy: 'Nest less deeply.' };
  }
  return { kind: 'value', value };
}

function isShallow(value: unknown, above: readonly unknown[]): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (above.length >= maxDepth || above.includes(value)) return false;
  return Object.values(value).every((below) => isShallow(below, [...above, value]));
}

function offsetOf(document: Document.Parsed, path: Path, on: Mistake['on']): number {
  let node: unknown = document.contents;
  let key = node;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    let found: { readonly key: unknown; readonly value: unknown } | undefined;
    if (isSeq(node)) found = { key: node.items[Number(step)], value: node.items[Number(step)] };
    if (isMap(node)) found = node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === step);
    if (found?.key === undefined) return startOf(key);
    key = found.key;
    node = found.value;
  }
  const isEmpty = node === null || (isScalar(node) && node.value === null);
  // An empty value has no position of its own.
  return startOf(on === 'key' || isEmpty ? key : node);
}

/** Every parsed node has a range. */
function startOf(node: unknown): number {
  return Number((node as Node).range?.[0]);
}
