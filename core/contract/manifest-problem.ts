// A mistake in a manifest: what is wrong, where, and what to do.
import type { ErrorCode } from './errors.ts';
import type { Path } from './path.ts';

/** A mistake as it is reported to the author of the manifest. `line` and `column` count from 1. */
export interface Problem {
  readonly code: ErrorCode;
  /** `spec.filters[0].exact`, `metadata.annotations["millrace.dev/retry"]`; empty for the whole document. */
  readonly path: string;
  /** Without the full stop. */
  readonly message: string;
  /** Whole sentences. */
  readonly remedy: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** A mistake before its file and line are known. `on` says whether the key or its value is wrong. */
export interface Mistake {
  readonly code: ErrorCode;
  readonly at: Path;
  readonly on: 'key' | 'value';
  readonly message: string;
  readonly remedy: string;
}

/** Both may quote what the author has written. */
const longestMessage = 500;

export function invalid(at: Path, on: Mistake['on'], message: string, remedy: string): Mistake {
  return {
    code: 'MILLRACE_MANIFEST_INVALID',
    at,
    on,
    message: clip(message, longestMessage),
    remedy: clip(remedy, longestMessage),
  };
}

/** A value of a manifest for a message: short, on one line. */
export function show(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'empty';
  if (typeof value === 'string') return JSON.stringify(clip(value, 60));
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  return `${value as number | boolean | bigint}`;
}

/** An address, or several, for a message, without user and password. */
export function withoutCredentials(address: string): string {
  return address.replace(/^.*@/s, '***@');
}

/** One line: `trigger.yaml:12:7 spec.delivery.retry: must be …, is "ten". Write …`. */
export function formatProblem({ file, line, column, path, message, remedy }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const where = [place, clip(path, longestMessage)].filter((part) => part !== '').join(' ');
  return `${where === '' ? '' : `${where}: `}${message}. ${remedy}`;
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}…`;
}
