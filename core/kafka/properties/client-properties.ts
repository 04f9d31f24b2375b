// What a Kafka client's own properties say about how a cluster is reached: the text of a `client.properties` file, or the keys of a
// `servicebinding.io/kafka` Secret. Nothing is read here; no mistake shows a value that may be secret.
import { judgeName, takenProperties } from './client-property-names.ts';
import { saslOf } from './client-sasl.ts';
import { tlsOf } from './client-tls.ts';
import {
  GivenProperties,
  problemOf,
  type FileTexts,
  type GivenProperty,
  type PropertyName,
} from './given-properties.ts';
import { parseJavaProperties } from './java-properties.ts';
import type { Credentials } from '../../contract/kafka-access.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { show, type Problem } from '../../contract/manifest-problem.ts';
import { parseBrokers } from '../../contract/kafka-access.ts';

export type ClientPropertiesVerdict =
  | { readonly kind: 'right'; readonly properties: ClientProperties }
  /** Their `path` is the name of the property, their `line` where it stands in the text. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Problem[] };

export interface ClientProperties {
  /** `host:port`, at least one; undefined where none is named. */
  readonly brokers: readonly string[] | undefined;
  readonly clientId: string | undefined;
  /** Where the client is, as brokers have it in `broker.rack`. */
  readonly rackId: string | undefined;
  /** Paths of the files that the credentials stand in, as they are written, each once. */
  readonly files: readonly string[];
  /** `texts` has what stands in `files`, by path; one that cannot be read is left out, and is a mistake. */
  credentials(texts: ReadonlyMap<string, string>): CredentialsVerdict;
}

export type CredentialsVerdict =
  | { readonly kind: 'right'; readonly credentials: Credentials }
  | { readonly kind: 'wrong'; readonly mistakes: readonly Problem[] };

/** What is wrong beyond that is not looked for: each mistake costs a search for what was meant. */
const mostMistakes = 100;

/**
 * `text` as a Java client reads it (java.util.Properties), but that a store without a type is PEM, not JKS. Properties of a Kafka client
 * that say nothing about connections are passed over.
 */
export function parseClientProperties(text: string): ClientPropertiesVerdict {
  const { properties, malformed } = parseJavaProperties(text);
  const given = new Map<PropertyName, GivenProperty>();
  const mistakes: Problem[] = malformed
    .slice(0, mostMistakes)
    .map((line) =>
      problemOf(
        '',
        line,
        'has a `\\u` without four hexadecimal digits',
        'A backslash itself is written as `\\\\`.',
      ),
    );
  for (const { name, value, line } of properties) {
    if (mistakes.length >= mostMistakes) break;
    const verdict = judgeName(name);
    if (verdict.kind === 'taken') given.set(verdict.name, { value, writtenAs: name, line });
    else if (verdict.kind === 'wrong')
      mistakes.push(problemOf(verdict.shown, line, verdict.message, verdict.remedy));
  }
  return judge(given, mistakes, 'unread');
}

/** Other names for the same, and those that only a binding has; the first one that is there holds. */
const bindingNames: Partial<Record<PropertyName, readonly string[]>> = {
  'bootstrap.servers': ['bootstrap-servers', 'bootstrapServers'],
  'security.protocol': ['securityProtocol'],
  'sasl.mechanism': ['saslMechanism'],
  username: ['username', 'user'],
  password: ['password'],
  'ssl.truststore.certificates': ['ssl.truststore.crt'],
  'ssl.keystore.certificate.chain': ['ssl.keystore.crt'],
};

/**
 * `values` as they stand, decoded, in a Secret of the type `servicebinding.io/kafka`: Kafka's own names, and what Strimzi's Access Operator
 * calls otherwise. Other keys are passed over. Files are never named: whoever may write a Secret may not read those of Millrace.
 */
export function parseServiceBinding(values: Readonly<Record<string, string>>): ClientPropertiesVerdict {
  const given = new Map<PropertyName, GivenProperty>();
  const names = [...takenProperties, 'username', 'password'] as const;
  for (const name of names) {
    const writtenAs = [name, ...(bindingNames[name] ?? [])].find((key) => Object.hasOwn(values, key));
    const value = writtenAs === undefined ? undefined : values[writtenAs];
    if (writtenAs !== undefined && value !== undefined) given.set(name, { value, writtenAs });
  }
  const verdict = judge(given, [], 'refused');
  if (verdict.kind === 'wrong' || verdict.properties.brokers !== undefined) return verdict;
  const lacking = problemOf(
    'bootstrap.servers',
    undefined,
    'is missing',
    'Name another Secret, or write it.',
  );
  return { kind: 'wrong', mistakes: [lacking] };
}

function judge(
  given: ReadonlyMap<PropertyName, GivenProperty>,
  before: readonly Problem[],
  texts: FileTexts,
): ClientPropertiesVerdict {
  const properties = new GivenProperties(given, texts);
  const brokers = brokersOf(properties);
  // All that can be said before the files are read.
  credentialsOf(properties);
  const mistakes = [...before, ...properties.mistakes].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (mistakes.length > 0) return { kind: 'wrong', mistakes };
  const clientId = properties.text('client.id');
  const rackId = properties.text('client.rack');
  const files = [...properties.files];
  const credentials = (texts: ReadonlyMap<string, string>): CredentialsVerdict => {
    const complete = new GivenProperties(given, texts);
    const found = credentialsOf(complete);
    if (complete.mistakes.length > 0) return { kind: 'wrong', mistakes: complete.mistakes };
    return { kind: 'right', credentials: found };
  };
  return { kind: 'right', properties: { brokers, clientId, rackId, files, credentials } };
}

function brokersOf(properties: GivenProperties): readonly string[] | undefined {
  const text = properties.text('bootstrap.servers');
  if (text === undefined) return undefined;
  const brokers = parseBrokers(text);
  if (brokers === undefined)
    properties.wrong(
      'bootstrap.servers',
      'must be addresses such as kafka:9092, separated by commas',
      'Write the brokers to begin with: `bootstrap.servers=kafka-0.kafka:9092,kafka-1.kafka:9092`.',
    );
  return brokers;
}

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

function credentialsOf(properties: GivenProperties): Credentials {
  const protocol = protocolOf(properties);
  return {
    tls: protocol.endsWith('SSL') ? tlsOf(properties) : undefined,
    sasl: protocol.startsWith('SASL') ? saslOf(properties) : undefined,
  };
}

/** Kafka means PLAINTEXT where none is written, and leaves out all that is said of security, without a word. */
function protocolOf(properties: GivenProperties): string {
  const name = 'security.protocol';
  const written = properties.text(name);
  const protocol = written?.toUpperCase() ?? 'PLAINTEXT';
  if (!protocols.includes(protocol)) {
    const near = nearest(protocol, protocols);
    const remedy = near === undefined ? `Write one of ${protocols.join(', ')}.` : `Did you mean ${near}?`;
    properties.wrong(name, `must be one of ${protocols.join(', ')}, is ${show(written)}`, remedy);
    return near ?? 'PLAINTEXT';
  }
  const secured = properties.names().find((one) => /^s(?:as|s)l\./.test(one));
  if (written !== undefined || secured === undefined) return protocol;
  const meant = properties.names().some((one) => one.startsWith('sasl.')) ? 'SASL_SSL' : 'SSL';
  const message = `is missing, which means PLAINTEXT to a Kafka client, and leaves out ${secured}`;
  properties.wrong(name, message, `Write \`${name}=${meant}\`.`);
  return meant;
}
