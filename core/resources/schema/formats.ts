// The string formats of manifests: how each is tested, and how messages describe it. The schemas beside this file name them;
// validation/validate-by-schema.ts hands them to ajv.
import { parseDuration } from './duration.ts';
import { parseQuantity } from './quantity.ts';
import { parseBrokers } from '../../contract/kafka-access.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';

/** Node's timers wait at most 2^31 ms, not quite 25 days. Durations that a timer waits for stay below that. */
const longestWait = 'P24D';
const longestWaitMs = 24 * 24 * 60 * 60 * 1000;

export interface StringFormat {
  /** Ends the sentence "must be …". */
  readonly expected: string;
  /**
   * A regular expression, with the same meaning in JavaScript and RE2, that every valid text matches; `test` may be stricter. It is all
   * that the API server can check.
   */
  readonly pattern?: string;
  readonly test: (text: string) => boolean;
  /** An invalid text may hold a password, so messages hide that part of it. */
  readonly mayHoldPassword?: true;
}

const broker = String.raw`(?:\[[0-9a-fA-F:.]+\]|[^\s:/,]+):[0-9]{1,5}`;
const bootstrapServers = `^${broker}(?: *, *${broker})*$`;

const dnsLabel = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const dnsName = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;
const label = new RegExp(`^${dnsLabel}$`);
const name = new RegExp(`^${dnsName}$`);
const clusterName = new RegExp(`^(${dnsLabel}/)?${dnsName}$`);

const duration = String.raw`^P(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`;

export const formats = {
  'topic-name': {
    expected: 'a topic name (1 to 249 letters, digits, dots, underscores or hyphens)',
    pattern: String.raw`^[A-Za-z0-9._-]{1,249}$`,
    test: (text) => /^[A-Za-z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..',
  },
  'topic-pattern': {
    expected:
      'a regular expression (RE2) for whole topic names, of at most 1000 characters and 500 instructions',
    test: (text) => text !== '' && compileTopicPattern(text) !== undefined,
  },
  'dns-label': {
    expected: 'a DNS label (at most 63 lower-case letters, digits or hyphens, no hyphen at either end)',
    pattern: `^${dnsLabel}$`,
    test: (text) => label.test(text),
  },
  'dns-name': {
    expected:
      'a DNS name (at most 253 lower-case letters, digits, hyphens or dots; no hyphen or dot at either end)',
    pattern: `^${dnsName}$`,
    test: (text) => text.length <= 253 && name.test(text),
  },
  'cluster-name': {
    expected: 'the name of a KafkaCluster, or namespace/name of one that is shared with this namespace',
    pattern: `^(${dnsLabel}/)?${dnsName}$`,
    test: (text) => text.replace(/^.*\//, '').length <= 253 && clusterName.test(text),
  },
  'namespace-or-any': {
    expected: 'the name of a namespace, or * for all of them',
    pattern: String.raw`^(\*|${dnsLabel})$`,
    test: (text) => text === '*' || label.test(text),
  },
  'initial-offset': {
    expected: 'earliest, latest or an RFC 3339 time such as 2026-01-31T12:00:00Z',
    pattern: String.raw`^(earliest|latest|\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))$`,
    test: (text) => text === 'earliest' || text === 'latest' || parseTimestamp(text) !== undefined,
  },
  wait: {
    expected: `an ISO 8601 duration from PT0S to ${longestWait}, such as PT0.3S`,
    pattern: duration,
    test: (text) => isWait(text, 0),
  },
  timeout: {
    expected: `an ISO 8601 duration from PT0.001S to ${longestWait}, such as PT30S`,
    pattern: duration,
    test: (text) => isWait(text, 1),
  },
  age: {
    expected: 'an ISO 8601 duration above zero, such as PT24H (an hour has a fixed length, a month has none)',
    pattern: duration,
    test: (text) => (parseDuration(text) ?? 0) > 0,
  },
  concurrency: {
    expected: 'a whole number of at least 1, or adaptive',
    pattern: String.raw`^adaptive$`,
    test: (text) => text === 'adaptive',
  },
  quantity: {
    expected: 'a size in bytes above zero, such as 1Mi or 500k',
    pattern: String.raw`^\d+(k|M|G|Ki|Mi|Gi)?$`,
    test: (text) => (parseQuantity(text) ?? 0) > 0,
  },
  'bootstrap-servers': {
    expected: 'one or several host:port, separated by commas',
    pattern: bootstrapServers,
    test: (text) => new RegExp(bootstrapServers).test(text) && parseBrokers(text) !== undefined,
  },
  'secret-key': {
    expected: 'a key of a Secret (at most 253 letters, digits, hyphens, underscores or dots)',
    pattern: String.raw`^[-._a-zA-Z0-9]{1,253}$`,
    test: (text) => /^[-._a-zA-Z0-9]{1,253}$/.test(text),
  },
  'https-uri': {
    expected: 'an https URL without user, password or fragment',
    pattern: String.raw`^[Hh][Tt][Tt][Pp][Ss]://[^\s#]+$`,
    test: (text) => isHttpUri(text) && /^https:/i.test(text),
    mayHoldPassword: true,
  },
  'http-uri': {
    expected: 'an http or https URL without user, password or fragment',
    pattern: String.raw`^[Hh][Tt][Tt][Pp][Ss]?://[^\s#]+$`,
    test: isHttpUri,
    mayHoldPassword: true,
  },
} as const satisfies Readonly<Record<string, StringFormat>>;

export type FormatName = keyof typeof formats;

/** The format, typed with its optional fields. */
export function formatOf(name: FormatName): StringFormat {
  return formats[name];
}

/** Milliseconds since 1970 of an RFC 3339 time; undefined if `text` is not one, or its month has no such day. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})$/i.exec(text);
  if (match === null) return undefined;
  const [, day, time, zone] = match.map((part) => part.toUpperCase());
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // V8 takes 30 February for 1 March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(`${day}T`)) return undefined;
  const timestampMs = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(timestampMs) ? undefined : timestampMs;
}

function isWait(text: string, shortestMs: number): boolean {
  const durationMs = parseDuration(text);
  return durationMs !== undefined && durationMs >= shortestMs && durationMs <= longestWaitMs;
}

function isHttpUri(text: string): boolean {
  if (!URL.canParse(text) || /\s/.test(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && !text.includes('#');
}
