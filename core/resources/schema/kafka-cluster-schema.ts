// All fields of a KafkaCluster, with their types, defaults and descriptions: where the brokers are, and how connections to them are
// secured. Secret values stay in Secrets of the same namespace; the fields only refer to them.
import { groupProtocols } from '../../contract/kafka-access.ts';
import { Type } from './schema-types.ts';
import { metadataSchema } from './metadata-schema.ts';
import { mapping, text, withDefault, type Filled } from './schema-notes.ts';
import { longestName, oauthFields, secretValue } from './secret-schema.ts';
import { apiVersion } from './trigger-schema.ts';

/** With them, a whole spec stays below the limit of its size (validation/kafka-cluster-rules.ts). */
const mostNamespaces = 128;
const mostExtensions = 16;

const naming = { kind: 'KafkaCluster', secretName: 'kafka-user', client: 'kafka' };

const tls = mapping(
  {
    description: 'TLS towards the brokers. Absent: connections are plain text.',
    example: { ca: { secretName: 'kafka-ca' } },
  },
  {
    ca: Type.Optional(
      secretValue(
        naming,
        'The certificate authorities to trust, PEM, one or several. Absent: those that Node.js trusts by default. With the key `ca.crt`, the old authorities that Strimzi keeps in the Secret while it replaces one (such as `ca-2026-01-31T00-00-00Z.crt`) are trusted too.',
        'ca.crt',
      ),
    ),
    verifyHostname: withDefault(
      true,
      Type.Boolean({
        description: 'Whether the certificate of a broker must have the host name of the broker.',
      }),
    ),
  },
);

export const authenticationTypes = ['plain', 'scram-sha-256', 'scram-sha-512', 'tls', 'oauthbearer'] as const;

const authentication = mapping(
  {
    description: 'How the gateway and the scaler authenticate at the brokers. Absent: they do not.',
    example: { type: 'scram-sha-512', username: 'orders', password: { secretName: 'orders' } },
  },
  {
    type: Type.Enum([...authenticationTypes], {
      description:
        '`plain`, `scram-sha-256` and `scram-sha-512`: a user name and a password. `tls`: a client certificate. `oauthbearer`: a token of an OAuth 2.0 or OpenID Connect provider.',
      example: 'scram-sha-512',
    }),
    username: Type.Optional(
      text({
        minLength: 1,
        maxLength: longestName,
        example: 'orders',
        description: '`plain` and `scram-…`: the user name.',
      }),
    ),
    password: Type.Optional(
      secretValue(naming, '`plain` and `scram-…`: the password of the user.', 'password'),
    ),
    certificate: Type.Optional(
      secretValue(
        naming,
        '`tls`: the client certificate, PEM, followed by its intermediate certificates. In the Secret of a Strimzi KafkaUser its key is `user.crt`.',
        'tls.crt',
      ),
    ),
    key: Type.Optional(
      secretValue(
        naming,
        '`tls`: the private key of the certificate, PEM. In the Secret of a Strimzi KafkaUser its key is `user.key`.',
        'tls.key',
      ),
    ),
    keyPassword: Type.Optional(
      secretValue(naming, '`tls`: the password of `key`, if it is encrypted.', 'password'),
    ),
    ...oauthFields(naming),
    audience: Type.Optional(
      text({
        minLength: 1,
        maxLength: longestName,
        example: 'kafka',
        description: '`oauthbearer`: the audience to request, if the provider requires one.',
      }),
    ),
    extensions: Type.Optional(
      Type.Unsafe<Readonly<Record<string, string>>>({
        type: 'object',
        description: '`oauthbearer`: SASL extensions to send to the broker with the token (RFC 7628).',
        example: { logicalCluster: 'lkc-1' },
        maxProperties: mostExtensions,
        propertyNames: { pattern: '^[A-Za-z]{1,64}$' },
        names: {
          what: 'the name of a SASL extension',
          remedy: 'A name has 1 to 64 letters, such as logicalCluster, and nothing else.',
        },
        additionalProperties: text({
          pattern: String.raw`^[\t\n\r\x20-\x7e]{1,128}$`,
          expected: 'a string of 1 to 128 characters of ASCII',
          maxLength: 128,
          example: 'lkc-1',
        }),
        expected: `a mapping of at most ${mostExtensions} names to strings`,
      }),
    ),
  },
);

const strimzi = mapping(
  {
    description:
      'Instead of `bootstrapServers`, `tls` and `authentication`: a Kafka that Strimzi runs in the namespace of the KafkaCluster. Brokers, certificate authorities and credentials are read from the resources of Strimzi.',
    example: { kafka: 'my-cluster', user: 'orders' },
  },
  {
    kafka: text({
      format: 'dns-name',
      example: 'my-cluster',
      description: 'The name of the `Kafka` resource.',
    }),
    listener: Type.Optional(
      text({
        minLength: 1,
        maxLength: 63,
        example: 'tls',
        description:
          'The name of one of its listeners. Absent: the listener of type `internal` whose authentication fits the `user`, if there is exactly one.',
      }),
    ),
    user: Type.Optional(
      text({
        format: 'dns-name',
        example: 'orders',
        description:
          'The name of a `KafkaUser` of this Kafka, of type `tls` or `scram-sha-512`. Absent: connections do not authenticate.',
      }),
    ),
  },
);

const binding = mapping(
  {
    description:
      'Instead of `bootstrapServers`, `tls` and `authentication`: a Secret of type `servicebinding.io/kafka` that holds all of them, as the Access Operator of Strimzi writes it.',
    example: { secretName: 'kafka-binding' },
  },
  {
    secretName: text({
      format: 'dns-name',
      example: 'kafka-binding',
      description: 'The name of the Secret, in the namespace of the KafkaCluster.',
    }),
  },
);

const spec = mapping(
  {
    description:
      'How to connect to a Kafka cluster: exactly one of `bootstrapServers`, `strimzi` and `binding`. Triggers of the same namespace write its name as `source.cluster`; triggers of the `allowedNamespaces` write `namespace/name`.',
    example: { bootstrapServers: 'kafka:9092' },
  },
  {
    bootstrapServers: Type.Optional(
      text({
        format: 'bootstrap-servers',
        example: 'kafka-0.kafka:9092,kafka-1.kafka:9092',
        description: 'The brokers to connect to first. They name the others.',
      }),
    ),
    tls: Type.Optional(tls),
    authentication: Type.Optional(authentication),
    strimzi: Type.Optional(strimzi),
    binding: Type.Optional(binding),
    groupProtocol: Type.Optional(
      Type.Enum([...groupProtocols], {
        description:
          'By which protocol gateways join consumer groups. `consumer`: that of Kafka 4 (KIP-848), in which brokers share partitions out and nobody waits for anybody. `classic`: that of all versions. `auto`: `consumer` where the brokers have it and the members of the group allow it, else `classic`. Absent: `auto`.',
        example: 'classic',
      }),
    ),
    allowedNamespaces: Type.Optional(
      Type.Array(text({ format: 'namespace-or-any', example: 'geo' }), {
        uniqueItems: true,
        maxItems: mostNamespaces,
        expected: `a list of at most ${mostNamespaces} namespaces; * for all of them`,
        example: ['geo', 'shop'],
        description:
          'Other namespaces whose triggers may use this cluster, with its credentials. Their triggers write `namespace/name` as `source.cluster`. `*`: all namespaces. Absent: none.',
      }),
    ),
  },
);

export const kafkaClusterSchema = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion, { example: apiVersion }),
    kind: Type.Literal('KafkaCluster', { example: 'KafkaCluster' }),
    metadata: metadataSchema('main', {}),
    spec,
    status: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false, example: {} },
);

export type FilledKafkaCluster = Filled<typeof kafkaClusterSchema>;
export type FilledStrimzi = Filled<typeof strimzi>;
export type FilledAuthentication = Filled<typeof authentication>;
