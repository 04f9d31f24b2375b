// What a user may write in a KafkaCluster: where the brokers are that triggers of its namespace name it for, and how connections to
// them are secured. What is secret stands in Secrets of the same namespace.
import { Type } from 'typebox';
import { metadataSchema } from './metadata-schema.ts';
import { mapping, text, withDefault, type Filled } from './schema-notes.ts';
import { oauthFields, secretValue } from './secret-schema.ts';
import { apiVersion } from './trigger-schema.ts';

const naming = { kind: 'KafkaCluster', secretName: 'kafka-user', client: 'kafka' };

const tls = mapping(
  {
    description: 'TLS towards the brokers. Without it connections are plain text.',
    example: { ca: { secretName: 'kafka-ca' } },
  },
  {
    ca: Type.Optional(
      secretValue(
        naming,
        'The authorities to trust, PEM, one or several. Absent: those that Node.js knows, as browsers do. Beside `ca.crt` those are trusted that Strimzi keeps in the Secret while it replaces one, as `ca-2026-01-31T00-00-00Z.crt`.',
        'ca.crt',
      ),
    ),
    verifyHostname: withDefault(
      true,
      Type.Boolean({
        description: 'Whether the certificate of a broker must be for the name that is connected to.',
      }),
    ),
  },
);

export const authenticationTypes = ['plain', 'scram-sha-256', 'scram-sha-512', 'tls', 'oauthbearer'] as const;

const authentication = mapping(
  {
    description: 'Who the gateway and the scaler are to the brokers.',
    example: { type: 'scram-sha-512', username: 'orders', password: { secretName: 'orders' } },
  },
  {
    type: Type.Enum([...authenticationTypes], {
      description:
        '`plain`, `scram-sha-256` and `scram-sha-512` show a user name and a password, `tls` a certificate, `oauthbearer` a token of an OAuth 2.0 or OpenID Connect provider.',
      example: 'scram-sha-512',
    }),
    username: Type.Optional(
      text({ minLength: 1, example: 'orders', description: '`plain` and `scram-…`: the user.' }),
    ),
    password: Type.Optional(
      secretValue(naming, '`plain` and `scram-…`: the password of the user.', 'password'),
    ),
    certificate: Type.Optional(
      secretValue(
        naming,
        '`tls`: the certificate, PEM, followed by those that lead to an authority. In the Secret of a Strimzi KafkaUser the key is `user.crt`.',
        'tls.crt',
      ),
    ),
    key: Type.Optional(
      secretValue(
        naming,
        '`tls`: its key, PEM. In the Secret of a Strimzi KafkaUser the key is `user.key`.',
        'tls.key',
      ),
    ),
    keyPassword: Type.Optional(
      secretValue(naming, '`tls`: what an encrypted key is opened with.', 'password'),
    ),
    ...oauthFields(naming),
    audience: Type.Optional(
      text({
        minLength: 1,
        example: 'kafka',
        description: '`oauthbearer`: whom the token is to be for, where the provider asks.',
      }),
    ),
    extensions: Type.Optional(
      Type.Unsafe<Readonly<Record<string, string>>>({
        type: 'object',
        description: '`oauthbearer`: SASL extensions that the broker gets with the token (RFC 7628).',
        example: { logicalCluster: 'lkc-1' },
        additionalProperties: text({ minLength: 1, example: 'lkc-1' }),
        expected: 'a mapping of names to texts',
      }),
    ),
  },
);

const strimzi = mapping(
  {
    description:
      'Instead of `bootstrapServers`, `tls` and `authentication`: a Kafka that Strimzi runs in the namespace of the KafkaCluster. Brokers, authorities and credentials are found in what Strimzi says of it.',
    example: { kafka: 'my-cluster', user: 'orders' },
  },
  {
    kafka: text({ format: 'dns-name', example: 'my-cluster', description: 'The `Kafka`.' }),
    listener: Type.Optional(
      text({
        minLength: 1,
        example: 'tls',
        description:
          'One of its listeners. Absent: the only one of type `internal` whose authentication is that of the user.',
      }),
    ),
    user: Type.Optional(
      text({
        format: 'dns-name',
        example: 'orders',
        description: 'A `KafkaUser` of it, of type `tls` or `scram-sha-512`. Absent: nobody.',
      }),
    ),
  },
);

const binding = mapping(
  {
    description:
      'Instead of `bootstrapServers`, `tls` and `authentication`: a Secret of type `servicebinding.io/kafka` that has it all, as the Access Operator of Strimzi writes it.',
    example: { secretName: 'kafka-binding' },
  },
  {
    secretName: text({
      format: 'dns-name',
      example: 'kafka-binding',
      description: 'The Secret, in the namespace of the KafkaCluster.',
    }),
  },
);

const spec = mapping(
  {
    description:
      'How a Kafka cluster is reached. Triggers of the namespace name it as `source.cluster`, those of `allowedNamespaces` with its namespace before it.',
    example: { bootstrapServers: 'kafka:9092' },
  },
  {
    bootstrapServers: Type.Optional(
      text({
        format: 'bootstrap-servers',
        example: 'kafka-0.kafka:9092,kafka-1.kafka:9092',
        description: 'The brokers to begin with; the others are learned from them.',
      }),
    ),
    tls: Type.Optional(tls),
    authentication: Type.Optional(authentication),
    strimzi: Type.Optional(strimzi),
    binding: Type.Optional(binding),
    allowedNamespaces: Type.Optional(
      Type.Array(text({ format: 'namespace-or-any', example: 'geo' }), {
        uniqueItems: true,
        expected: 'a list of namespaces; * for all of them',
        example: ['geo', 'shop'],
        description:
          'Other namespaces whose triggers may use it too, with its credentials; they name it `namespace/name`. `*`: all of them. Absent: none.',
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
