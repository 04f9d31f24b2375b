// What the names of a Kafka client's properties mean here: taken, without meaning for Millrace, or refused, because to leave them out
// would connect otherwise than they say.
import { editDistance, nearest } from '../../contract/nearest-name.ts';

/** Kafka's names for what Millrace takes. */
export const takenProperties = [
  'bootstrap.servers',
  'client.id',
  'client.rack',
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.oauthbearer.token.endpoint.url',
  'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.credentials.client.secret',
  'sasl.oauthbearer.scope',
  'sasl.oauthbearer.assertion.file',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.certificates',
  'ssl.truststore.password',
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.password',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'ssl.enabled.protocols',
] as const;

export type TakenProperty = (typeof takenProperties)[number];

/** They fit out a Java client, or say what a broker checks: a connection is as secure without. */
const meaningless =
  /^sasl\.(?:login\.(?:connect|read|refresh|retry)\.|oauthbearer\.(?:jwks|expected|clock|header|jwt\.validator|scope\.claim|sub\.claim|allow)\.)|^ssl\.(?:protocol|client\.auth|secure\.random\.implementation)$/;

/** Why what the name demands is not done. */
const refused: readonly (readonly [RegExp, string])[] = [
  [/^sasl\.kerberos\./, 'Kerberos is not spoken. Use SCRAM, OAUTHBEARER or a client certificate.'],
  [
    /^sasl\.oauthbearer\.assertion\./,
    'Assertions are not signed here. Name a file with a signed one: `sasl.oauthbearer.assertion.file`.',
  ],
  [
    /^sasl\.oauthbearer\.jwt\.retriever\.class$/,
    'Tokens are asked for by client credentials. Remove the line.',
  ],
  [/^sasl\.(?:login|client)\..*class$/, 'Java classes are not loaded. Remove the line.'],
  [
    /^(?:ssl\.(?:provider|engine|.*manager)|security\.providers)/,
    'Node.js has its own TLS. Remove the line.',
  ],
  [/^ssl\.cipher\.suites$/, 'The cipher suites are those of Node.js. Remove the line.'],
  [/^config\.providers/, 'Write the values themselves: references in `${…}` are not followed.'],
];

/** What librdkafka calls otherwise. */
const otherNames: Readonly<Record<string, TakenProperty>> = {
  'metadata.broker.list': 'bootstrap.servers',
  'sasl.username': 'sasl.jaas.config',
  'sasl.password': 'sasl.jaas.config',
  'sasl.oauthbearer.client.id': 'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.secret': 'sasl.oauthbearer.client.credentials.client.secret',
  'ssl.ca.location': 'ssl.truststore.location',
  'ssl.ca.pem': 'ssl.truststore.certificates',
  'ssl.certificate.location': 'ssl.keystore.location',
  'ssl.certificate.pem': 'ssl.keystore.certificate.chain',
  'ssl.key.location': 'ssl.keystore.location',
  'ssl.key.pem': 'ssl.keystore.key',
};

export type NameVerdict =
  | { readonly kind: 'taken'; readonly name: TakenProperty }
  | { readonly kind: 'meaningless' }
  /** `shown` is the name as far as it can be told: without a separator a secret sticks to it. */
  | {
      readonly kind: 'wrong';
      readonly shown: string;
      readonly message: string;
      readonly remedy: string;
    };

/** Names that are neither Kafka's nor near to one of those above belong to somebody else, and mean nothing. */
export function judgeName(name: string): NameVerdict {
  const taken = takenProperties.find((one) => one === name);
  if (taken !== undefined) return { kind: 'taken', name: taken };
  const why = refused.find(([names]) => names.test(name))?.[1];
  if (why !== undefined)
    return { kind: 'wrong', shown: name, message: 'is a property that Millrace cannot follow', remedy: why };
  if (meaningless.test(name)) return { kind: 'meaningless' };
  const message = 'is no property of Kafka';
  const near = otherNames[name] ?? takenProperties.find((one) => isMisspelt(name, one));
  if (near !== undefined) return { kind: 'wrong', shown: name, message, remedy: `Did you mean \`${near}\`?` };
  if (!/^(?:sasl|ssl|security)\./.test(name)) return { kind: 'meaningless' };
  const meant = nearest(name, takenProperties);
  const remedy = meant === undefined ? 'Remove the line.' : `Did you mean \`${meant}\`?`;
  return { kind: 'wrong', shown: `${knownPart(name)}…`, message, remedy };
}

/** Lengths are compared first: a name may be as long as a file. */
function isMisspelt(name: string, right: string): boolean {
  return Math.abs(name.length - right.length) <= 2 && editDistance(name.toLowerCase(), right) <= 2;
}

/** As much of its beginning as begins one of those that are taken. */
function knownPart(name: string): string {
  const lengths = takenProperties.map((one) => {
    const differs = Array.from(one).findIndex((letter, index) => letter !== name.charAt(index));
    return differs === -1 ? one.length : differs;
  });
  return name.slice(0, Math.max(...lengths));
}
