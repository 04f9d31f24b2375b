// The rules between fields that the API server can check, in CEL: path of a field → its rules. The gateway's own rules
// (core/resources/validation) check the same, and more.
import { typesWith, type FieldsOfType } from '../core/resources/validation/authentication-rules.ts';
import { computedDefault, fieldTable } from '../core/resources/schema/fields.ts';
import { functionFieldsOfType, tlsPairs } from '../core/resources/validation/function-access-rules.ts';
import {
  besideBootstrapServers,
  fieldsOfType,
  waysToBrokers,
} from '../core/resources/validation/kafka-cluster-rules.ts';
import type { Rule, Rules } from './crd-schema.ts';

function defaultOf(path: string): string {
  const value = fieldTable.find((field) => field.path === path)?.default;
  if (value === undefined) throw new TypeError(`${path} has no default`);
  return typeof value === 'object' ? JSON.stringify(value) : (value as string);
}

/** `low` must not be above `high`. Both are fields of `at`; an absent field has its default. */
function inOrder(at: string, low: string, high: string): Rule {
  const value = (name: string): string =>
    `(has(self.${name}) ? self.${name} : ${defaultOf(`${at}.${name}`)})`;
  const [lowest, highest] = [defaultOf(`${at}.${low}`), defaultOf(`${at}.${high}`)];
  const message = `${low} (by default ${lowest}) must not be above ${high} (by default ${highest}). Lower ${low} or raise ${high}.`;
  return { rule: `${value(low)} <= ${value(high)}`, message };
}

function exactlyOne(names: readonly string[], remedy: string): Rule {
  const given = names.map((name) => `has(self.${name})`).join(', ');
  return {
    rule: `[${given}].filter(given, given).size() == 1`,
    message: `must have exactly one of ${names.join(', ')}. ${remedy}`,
  };
}

/** `field` is allowed only where `other` has this value. */
function onlyWhere(field: string, other: string, value: string): Rule {
  return {
    rule: `!has(self.${field}) || (has(self.${other}) && self.${other} == '${value}')`,
    message: `${field} has no meaning without ${other}: ${value}. Write ${other}: ${value}, or leave ${field} out.`,
    fieldPath: `.${field}`,
  };
}

function noLoop(path: string, given: string, what: string): Rule {
  return {
    rule: `!has(self.source.topics) || !${given} || !(self.${path} in self.source.topics)`,
    message: `${path} must not be a topic that the trigger reads: its ${what} would come back to it for ever. Write another topic.`,
  };
}

/** An OAuth client has exactly one credential, and a secret needs a client id. */
const oneClientCredential: readonly Rule[] = [
  {
    rule: "self.type != 'oauthbearer' || has(self.clientSecret) != has(self.clientAssertion)",
    message:
      'type oauthbearer requires exactly one of clientSecret, clientAssertion. Write one, and leave the other out.',
  },
  {
    rule: '!has(self.clientSecret) || has(self.clientId)',
    message: 'clientSecret requires clientId. Write clientId.',
  },
];

/** For each type of authentication: its required fields, and no fields of other types. */
function ofItsType(fieldsOfType: FieldsOfType): Rule[] {
  const types = Object.entries(fieldsOfType);
  const required = types.map(([type, { required: names }]) => ({
    rule: `self.type != '${type}' || (${names.map((name) => `has(self.${name})`).join(' && ')})`,
    message: `type ${type} requires ${names.join(' and ')}. Write them.`,
  }));
  const names = new Set(types.flatMap(([, fields]) => [...fields.required, ...fields.optional]));
  const owned = [...names].map((name) => {
    const list = typesWith(fieldsOfType, name);
    return {
      rule: `!has(self.${name}) || self.type in [${list.map((type) => `'${type}'`).join(', ')}]`,
      message: `${name} belongs to type ${list.join(' or ')} only. Leave it out, or write that type.`,
      fieldPath: `.${name}`,
    };
  });
  return [...required, ...owned, ...oneClientCredential];
}

export const triggerRules: Rules = {
  spec: [
    noLoop(
      'delivery.deadLetter.topic',
      '(has(self.delivery) && has(self.delivery.deadLetter))',
      'dead letters',
    ),
    noLoop('reply.topic', 'has(self.reply)', 'replies'),
  ],
  'spec.source': [
    exactlyOne(
      ['topics', 'topicPattern'],
      'Write the names of the topics in topics, or a pattern in topicPattern.',
    ),
    {
      rule: "(has(self.consumerGroup) ? self.consumerGroup : '') == (has(oldSelf.consumerGroup) ? oldSelf.consumerGroup : '')",
      message: `consumerGroup is immutable (if left out, it is ${computedDefault('spec.source.consumerGroup', {})}): its committed offsets record what is delivered. For another group, create another Trigger.`,
      fieldPath: '.consumerGroup',
    },
  ],
  'spec.function': [
    exactlyOne(['ref', 'service', 'uri'], 'To have a Deployment scaled, write ref: {name}.'),
    ...['port', 'path'].map((name) => ({
      rule: `!has(self.uri) || !has(self.${name})`,
      message: `${name} has no meaning with uri. Write the ${name} into the uri.`,
      fieldPath: `.${name}`,
    })),
    ...['tls', 'authentication'].map((name) => ({
      rule: `!has(self.uri) || !has(self.${name}) || self.uri.matches('^[Hh][Tt][Tt][Pp][Ss]:')`,
      message: `${name} requires https, but the uri has http. Write a uri that begins with https://, or leave ${name} out.`,
      fieldPath: `.${name}`,
    })),
    onlyWhere('batch', 'contentMode', 'batched'),
    onlyWhere('adaptiveConcurrency', 'concurrency', 'adaptive'),
  ],
  'spec.function.tls': Object.entries(tlsPairs).map(([name, other]) => ({
    rule: `!has(self.${name}) || has(self.${other})`,
    message: `${name} requires ${other}. Write ${other}.`,
  })),
  'spec.function.authentication': ofItsType(functionFieldsOfType),
  'spec.function.adaptiveConcurrency': [inOrder('spec.function.adaptiveConcurrency', 'min', 'max')],
  'spec.delivery': [onlyWhere('maxParkedKeys', 'ordering', 'key')],
  'spec.scale': [inOrder('spec.scale', 'minReplicaCount', 'maxReplicaCount')],
};

export const kafkaClusterRules: Rules = {
  spec: [
    exactlyOne(waysToBrokers, 'Write the brokers in bootstrapServers, or strimzi or binding instead.'),
    ...besideBootstrapServers.map((name) => ({
      rule: `!has(self.${name}) || has(self.bootstrapServers)`,
      message: `${name} belongs to bootstrapServers only. Leave ${name} out, or write bootstrapServers.`,
      fieldPath: `.${name}`,
    })),
    {
      rule: "!has(self.authentication) || self.authentication.type != 'tls' || has(self.tls)",
      message: 'authentication of type tls requires tls. Write tls: {ca: {secretName}}, or tls: {}.',
    },
  ],
  'spec.authentication': ofItsType(fieldsOfType),
  'spec.authentication.extensions': [
    {
      rule: "self.all(name, name.lowerAscii() != 'auth')",
      message: 'the name auth is reserved for the token. Write another name.',
    },
  ],
};
