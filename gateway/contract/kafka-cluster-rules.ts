// What must hold between the fields of a KafkaCluster: it says in one way where its brokers are, and each way to authenticate has its own
// fields, and no others mean anything.
import type { authenticationTypes } from './kafka-cluster-schema.ts';
import { isMapping, valueAt } from './path.ts';
import { invalid, type Mistake } from './problem.ts';
import { triggerWording } from './wording.ts';

type AuthenticationType = (typeof authenticationTypes)[number];

interface Fields {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const byPassword: Fields = { required: ['username', 'password'], optional: [] };

/** What each type asks for, besides `type`. The rules in the CRD are made of it too. */
export const fieldsOfType: Readonly<Record<AuthenticationType, Fields>> = {
  plain: byPassword,
  'scram-sha-256': byPassword,
  'scram-sha-512': byPassword,
  tls: { required: ['certificate', 'key'], optional: ['keyPassword'] },
  oauthbearer: {
    required: ['tokenEndpoint'],
    optional: ['clientId', 'clientSecret', 'clientAssertion', 'scope', 'audience', 'extensions', 'ca'],
  },
};

/** The types that a field of `authentication` is of; none for one that is not known. */
export function typesWith(name: string): string[] {
  const types = Object.entries(fieldsOfType);
  return types.flatMap(([type, { required, optional }]) =>
    [...required, ...optional].includes(name) ? [type] : [],
  );
}

const at = ['spec', 'authentication'];

/** Of these a KafkaCluster has one. */
export const waysToBrokers = ['bootstrapServers', 'strimzi', 'binding'] as const;
/** What is found by itself where the brokers are. */
export const besideBootstrapServers = ['tls', 'authentication'] as const;

/** The mistakes between fields. `declared` may have others. */
export function kafkaClusterRules(declared: unknown): Mistake[] {
  return [...oneWay(valueAt(declared, ['spec'])), ...authenticationRules(declared)];
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

function authenticationRules(declared: unknown): Mistake[] {
  const authentication = valueAt(declared, at);
  const type = valueAt(authentication, ['type']);
  if (!isMapping(authentication) || typeof type !== 'string' || !Object.hasOwn(fieldsOfType, type)) return [];
  const { required } = fieldsOfType[type as AuthenticationType];
  return [
    ...required.filter((name) => !Object.hasOwn(authentication, name)).map((name) => lacking(name, type)),
    ...Object.keys(authentication)
      .filter((name) => typesWith(name).length > 0 && !typesWith(name).includes(type))
      .map((name) => pointless(name, type)),
    ...(type === 'oauthbearer' ? provedOnce(authentication) : []),
    ...(type === 'tls' && valueAt(declared, ['spec', 'tls']) === undefined ? [withoutTls()] : []),
  ];
}

const examples: Readonly<Record<string, unknown>> = {
  username: 'orders',
  password: { secretName: 'orders' },
  certificate: { secretName: 'orders' },
  key: { secretName: 'orders' },
  tokenEndpoint: 'https://sso.example.com/token',
};

function lacking(name: string, type: string): Mistake {
  const remedy = `Write ${triggerWording.example([...at, name], examples[name])}.`;
  return invalid([...at, name], 'value', `is missing, which type ${type} asks for`, remedy);
}

function pointless(name: string, type: string): Mistake {
  const types = typesWith(name).join(' and ');
  return invalid(
    [...at, name],
    'key',
    `has no meaning with type ${type}`,
    `Leave it out; it is of ${types}.`,
  );
}

/** By a secret, which is a client's, or by an assertion, which may say itself whose it is (RFC 7523, section 2.2). */
function provedOnce(authentication: Readonly<Record<string, unknown>>): Mistake[] {
  const given = ['clientSecret', 'clientAssertion'].filter((name) => Object.hasOwn(authentication, name));
  if (given.length !== 1) {
    const has = given.length === 0 ? 'none of them' : 'both';
    const message = `must have exactly one of clientSecret, clientAssertion, has ${has}`;
    const remedy = `Write ${triggerWording.example([...at, 'clientSecret'], { secretName: 'orders' })}.`;
    return [invalid(at, 'key', message, remedy)];
  }
  if (given[0] === 'clientAssertion' || Object.hasOwn(authentication, 'clientId')) return [];
  const remedy = `Write ${triggerWording.example([...at, 'clientId'], 'orders')}.`;
  return [invalid([...at, 'clientId'], 'value', 'is missing, which a clientSecret asks for', remedy)];
}

function withoutTls(): Mistake {
  const remedy = `Write ${triggerWording.example(['spec', 'tls'], { ca: { secretName: 'kafka-ca' } })}, or \`tls: {}\` for the authorities that Node.js knows.`;
  return invalid(['spec', 'tls'], 'value', 'is missing, which authentication of type tls asks for', remedy);
}
