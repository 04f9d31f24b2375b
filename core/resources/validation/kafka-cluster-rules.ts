// What must hold between the fields of a KafkaCluster: it says in one way where its brokers are, and each way to authenticate has its own
// fields, and no others mean anything.
import { authenticationRules, oauthFieldNames, type Fields } from './authentication-rules.ts';
import type { authenticationTypes } from '../schema/kafka-cluster-schema.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/problem.ts';
import { triggerWording } from './wording.ts';

type AuthenticationType = (typeof authenticationTypes)[number];

const byPassword: Fields = { required: ['username', 'password'], optional: [] };

/** What each type asks for, besides `type`. The rules in the CRD are made of it too. */
export const fieldsOfType: Readonly<Record<AuthenticationType, Fields>> = {
  plain: byPassword,
  'scram-sha-256': byPassword,
  'scram-sha-512': byPassword,
  tls: { required: ['certificate', 'key'], optional: ['keyPassword'] },
  oauthbearer: { ...oauthFieldNames, optional: [...oauthFieldNames.optional, 'extensions'] },
};

const at = ['spec', 'authentication'];

/** Of these a KafkaCluster has one. */
export const waysToBrokers = ['bootstrapServers', 'strimzi', 'binding'] as const;
/** What is found by itself where the brokers are. */
export const besideBootstrapServers = ['tls', 'authentication'] as const;

/** The mistakes between fields. `declared` may have others. */
export function kafkaClusterRules(declared: unknown): Mistake[] {
  return [
    ...oneWay(valueAt(declared, ['spec'])),
    ...authenticationRules(declared, { at, fieldsOfType, examples, wording: triggerWording }),
    ...overTls(declared),
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
    return [invalid(['spec'], 'key', message, `Write the brokers, ${example}, or what leads to them.`)];
  }
  if (way === 'bootstrapServers') return [];
  return besideBootstrapServers
    .filter((name) => Object.hasOwn(spec, name))
    .map((name) => {
      const message = `has no meaning beside ${way}, which says it already`;
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

/** A certificate is shown over TLS only. */
function overTls(declared: unknown): Mistake[] {
  if (valueAt(declared, [...at, 'type']) !== 'tls' || valueAt(declared, ['spec', 'tls']) !== undefined)
    return [];
  const remedy = `Write ${triggerWording.example(['spec', 'tls'], { ca: { secretName: 'kafka-ca' } })}, or \`tls: {}\` for the authorities that Node.js knows.`;
  return [invalid(['spec', 'tls'], 'value', 'is missing, which authentication of type tls asks for', remedy)];
}
