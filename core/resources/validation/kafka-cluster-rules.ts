// The rules between the fields of a KafkaCluster: it names its brokers in exactly one way, each type of authentication has its own
// fields, and client certificates need TLS.
import { authenticationRules, oauthFieldNames, type Fields } from './authentication-rules.ts';
import type { authenticationTypes } from '../schema/kafka-cluster-schema.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/manifest-problem.ts';
import { triggerWording } from './wording.ts';

type AuthenticationType = (typeof authenticationTypes)[number];

const byPassword: Fields = { required: ['username', 'password'], optional: [] };

/** The fields of each type, besides `type`. The rules in the CRD are made from it too. */
export const fieldsOfType: Readonly<Record<AuthenticationType, Fields>> = {
  plain: byPassword,
  'scram-sha-256': byPassword,
  'scram-sha-512': byPassword,
  tls: { required: ['certificate', 'key'], optional: ['keyPassword'] },
  oauthbearer: { ...oauthFieldNames, optional: [...oauthFieldNames.optional, 'extensions'] },
};

const at = ['spec', 'authentication'];

/** A KafkaCluster has exactly one of these. */
export const waysToBrokers = ['bootstrapServers', 'strimzi', 'binding'] as const;
/** These go with `bootstrapServers` only: `strimzi` and `binding` provide them. */
export const besideBootstrapServers = ['tls', 'authentication'] as const;

/** The mistakes between fields. `declared` may have other mistakes too. */
export function kafkaClusterRules(declared: unknown): Mistake[] {
  return [
    ...oneWay(valueAt(declared, ['spec'])),
    ...authenticationRules(declared, { at, fieldsOfType, examples, wording: triggerWording }),
    ...tlsForCertificates(declared),
    ...reservedExtension(declared),
  ];
}

function oneWay(spec: unknown): Mistake[] {
  if (!isMapping(spec)) return [];
  const given = waysToBrokers.filter((name) => Object.hasOwn(spec, name));
  const [way, ...others] = given;
  if (way === undefined || others.length > 0) {
    const has = way === undefined ? 'none of them' : given.join(' and ');
    const message = `must have exactly one of ${waysToBrokers.join(', ')}, has ${has}`;
    const example = triggerWording.example(['spec', 'bootstrapServers'], 'kafka:9092');
    return [
      invalid(['spec'], 'key', message, `Write the brokers, ${example}, or strimzi or binding instead.`),
    ];
  }
  if (way === 'bootstrapServers') return [];
  return besideBootstrapServers
    .filter((name) => Object.hasOwn(spec, name))
    .map((name) => {
      const message = `has no meaning with ${way}, which provides it`;
      return invalid(
        ['spec', name],
        'key',
        message,
        `Leave it out, or write bootstrapServers instead of ${way}.`,
      );
    });
}

const examples: Readonly<Record<string, unknown>> = {
  username: 'orders',
  password: { secretName: 'orders' },
  certificate: { secretName: 'orders' },
  key: { secretName: 'orders' },
  tokenEndpoint: 'https://sso.example.com/token',
};

/** A client certificate is sent over TLS only. */
function tlsForCertificates(declared: unknown): Mistake[] {
  if (valueAt(declared, [...at, 'type']) !== 'tls' || valueAt(declared, ['spec', 'tls']) !== undefined)
    return [];
  const remedy = `Write ${triggerWording.example(['spec', 'tls'], { ca: { secretName: 'kafka-ca' } })}, or \`tls: {}\` to trust the authorities that Node.js trusts by default.`;
  return [invalid(['spec', 'tls'], 'value', 'is missing: authentication of type tls requires it', remedy)];
}

/** The token itself is sent under this name (RFC 7628, section 3.1). */
function reservedExtension(declared: unknown): Mistake[] {
  const extensions = valueAt(declared, [...at, 'extensions']);
  if (!isMapping(extensions)) return [];
  return Object.keys(extensions)
    .filter((name) => name.toLowerCase() === 'auth')
    .map((name) =>
      invalid([...at, 'extensions', name], 'key', 'is reserved for the token', 'Write another name.'),
    );
}
