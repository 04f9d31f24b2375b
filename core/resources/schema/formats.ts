// The string formats of manifests: how each is tested, and how messages describe it. The schemas beside this file name them;
// validation/validate-by-schema.ts hands them to ajv.
import { parseDuration } from './duration.ts';
import { parseQuantity } from './quantity.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';

/** Node's timers wait at most 2^31 ms, not quite 25 days. Durations that a timer waits for stay below that. */
const longestWait = 'P24D';
const longestWaitMs = 24 * 24 * 60 * 60 * 1000;
/** In bytes: 1Gi. */
export const largestQuantity = 2 ** 30;
const longestUri = 2_048;

export interface StringFormat {
  /** Ends the sentence "must be …". */
  readonly expected: string;
  /** In characters. */
  readonly maxLength: number;
  /** A regular expression, with the same meaning in JavaScript and RE2, that every valid text matches; `test` may be stricter. */
  readonly pattern?: string;
  /** What `pattern` cannot say, in CEL for the API server. What neither can say, `test` alone checks. */
  readonly rule?: string;
  readonly test: (text: string) => boolean;
  /** An invalid text may hold a password, so messages hide that part of it. */
  readonly mayHoldPassword?: true;
}

const port = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})`;
const host = String.raw`(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)`;
const broker = `${host}:${port}`;
const afterScheme = String.raw`://${host}(?::${port})?(?:[/?][^\x00-\x20\x7f#]*)?$`;

const dnsLabel = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
/** Any length, which is at most 253. */
export const dnsName = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;

const duration = {
  maxLength: 32,
  pattern: String.raw`^P(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`,
  rule: "!self.endsWith('P') && !self.endsWith('T')",
} as const;

const day = String.raw`\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`;
const time = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?`;
const zone = String.raw`([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)`;

export const formats = {
  'topic-name': {
    expected: 'a topic name (1 to 249 letters, digits, dots, underscores or hyphens, and not . or ..)',
    maxLength: 249,
    pattern: '^[A-Za-z0-9._-]{1,249}$',
    rule: "self != '.' && self != '..'",
    test: (text) => /^[A-Za-z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..',
  },
  'topic-pattern': {
    expected:
      'a regular expression (RE2) for whole topic names, of at most 1000 characters and 500 instructions',
    maxLength: 1_000,
    test: (text) => text !== '' && compileTopicPattern(text) !== undefined,
  },
  'dns-label': {
    expected: 'a DNS label (at most 63 lower-case letters, digits or hyphens, no hyphen at either end)',
    maxLength: 63,
    ...byPattern(`^${dnsLabel}$`),
  },
  'dns-name': {
    expected:
      'a DNS name (at most 253 lower-case letters, digits, hyphens or dots; no hyphen or dot at either end)',
    maxLength: 253,
    ...byPattern(`^${dnsName}$`, ({ length }) => length <= 253),
  },
  'cluster-name': {
    expected: 'the name of a KafkaCluster, or namespace/name of one that is shared with this namespace',
    maxLength: 63 + 1 + 253,
    rule: "self.matches('^([^/]{1,63}/)?[^/]{1,253}$')",
    ...byPattern(`^(${dnsLabel}/)?${dnsName}$`, (text) => text.replace(/^.*\//, '').length <= 253),
  },
  'namespace-or-any': {
    expected: 'the name of a namespace, or * for all of them',
    maxLength: 63,
    ...byPattern(String.raw`^(\*|${dnsLabel})$`),
  },
  'api-version': {
    expected: 'an API version: v1, or group/version such as apps/v1',
    maxLength: 253 + 1 + 63,
    rule: "self.matches('^([^/]{1,253}/)?[^/]{1,63}$')",
    ...byPattern(`^(${dnsName}/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`, (text) =>
      /^([^/]{1,253}\/)?[^/]+$/.test(text),
    ),
  },
  'initial-offset': {
    expected: 'earliest, latest or an RFC 3339 time such as 2026-01-31T12:00:00Z',
    maxLength: 64,
    ...byPattern(
      `^(earliest|latest|${day}[Tt]${time}${zone})$`,
      (text) => text === 'earliest' || text === 'latest' || parseTimestamp(text) !== undefined,
    ),
  },
  wait: {
    expected: `an ISO 8601 duration from PT0S to ${longestWait}, such as PT0.3S`,
    ...duration,
    test: (text) => isWait(text, 0),
  },
  timeout: {
    expected: `an ISO 8601 duration from PT0.001S to ${longestWait}, such as PT30S`,
    ...duration,
    test: (text) => isWait(text, 1),
  },
  age: {
    expected: 'an ISO 8601 duration above zero, such as PT24H (an hour has a fixed length, a month has none)',
    ...duration,
    test: (text) => (parseDuration(text) ?? 0) > 0,
  },
  concurrency: {
    expected: 'a whole number of at least 1, or adaptive',
    maxLength: 8,
    ...byPattern('^adaptive$'),
  },
  quantity: {
    expected: 'a size in bytes above zero and up to 1Gi, such as 1Mi or 500k',
    maxLength: 16,
    // An integer has bounds of its own.
    rule: "quantity(self).isGreaterThan(quantity('0')) && !quantity(self).isGreaterThan(quantity('1Gi'))",
    ...byPattern(String.raw`^\d+(k|M|G|Ki|Mi|Gi)?$`, (text) => {
      const bytes = parseQuantity(text);
      return bytes !== undefined && bytes > 0 && bytes <= largestQuantity;
    }),
  },
  'bootstrap-servers': {
    expected: 'one or several host:port, separated by commas, of at most 2048 characters in all',
    maxLength: 2_048,
    ...byPattern(`^${broker}(?: *, *${broker})*$`),
  },
  'secret-key': {
    expected:
      'a key of a Secret (at most 253 letters, digits, hyphens, underscores or dots; not . and no .. at its beginning)',
    maxLength: 253,
    rule: "self != '.' && !self.startsWith('..')",
    ...byPattern('^[-._a-zA-Z0-9]{1,253}$', (text) => text !== '.' && !text.startsWith('..')),
  },
  'https-uri': {
    expected: `an https URL of at most ${longestUri} characters without user, password or fragment`,
    maxLength: longestUri,
    ...byPattern(`^[Hh][Tt][Tt][Pp][Ss]${afterScheme}`, (text) => URL.canParse(text)),
    mayHoldPassword: true,
  },
  'http-uri': {
    expected: `an http or https URL of at most ${longestUri} characters without user, password or fragment`,
    maxLength: longestUri,
    ...byPattern(`^[Hh][Tt][Tt][Pp][Ss]?${afterScheme}`, (text) => URL.canParse(text)),
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

/** `pattern`, and a `test` for it and for what it cannot say. */
function byPattern(
  pattern: string,
  isRight: (text: string) => boolean = () => true,
): Pick<Required<StringFormat>, 'pattern' | 'test'> {
  const whole = new RegExp(pattern);
  return { pattern, test: (text) => whole.test(text) && isRight(text) };
}
