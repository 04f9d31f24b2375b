// What must hold between the fields of a resource, as far as the API server can judge it: in CEL, by the path of the field
// that it stands at. The gateway's own rules (core/resources/validation/trigger-rules.ts) say the same, and more.
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

/** `low` must not be above `high`, both of them fields of `at`, with their defaults where they are absent. */
function inOrder(at: string, low: string, high: string): Rule {
  const value = (name: string): string =>
    `(has(self.${name}) ? self.${name} : ${defaultOf(`${at}.${name}`)})`;
  const [lowest, highest] = [defaultOf(`${at}.${low}`), defaultOf(`${at}.${high}`)];
  const message = `${low} (by default ${lowest}) must not be above ${high} (by default ${highest}): lower the one or raise the other.`;
  return { rule: `${value(low)} <= ${value(high)}`, message };
}

function exactlyOne(names: readonly string[], remedy: string): Rule {
  const given = names.map((name) => `has(self.${name})`).join(', ');
  return {
    rule: `[${given}].filter(given, given).size() == 1`,
    message: `must have exactly one of ${names.join(', ')}. ${remedy}`,
  };
}

/** `field` has a meaning only where `when` is so. */
function onlyWhere(field: string, other: string, value: string): Rule {
  return {
    rule: `!has(self.${field}) || (has(self.${other}) && self.${other} == '${value}')`,
    message: `${field} has no meaning without ${other}: ${value}. Write that, or leave ${field} out.`,
    fieldPath: `.${field}`,
  };
}

function noLoop(path: string, given: string, what: string): Rule {
  return {
    rule: `!has(self.source.topics) || !${given} || !(self.${path} in self.source.topics)`,
    message: `${path} must be no topic that the trigger reads: its ${what} would go round for ever. Write another topic.`,
  };
}

/** A client of OAuth is proved by one thing, and a secret has an owner. */
const provedOnce: readonly Rule[] = [
  {
    rule: "self.type != 'oauthbearer' || has(self.clientSecret) != has(self.clientAssertion)",
    message: 'type oauthbearer asks for exactly one of clientSecret, clientAssertion.',
  },
  {
    rule: '!has(self.clientSecret) || has(self.clientId)',
    message: 'clientSecret asks for clientId. Write it.',
  },
];

/** The fields that each way to authenticate asks for, and those that mean nothing with it. */
function ofItsType(fieldsOfType: FieldsOfType): Rule[] {
  const types = Object.entries(fieldsOfType);
  const asked = types.map(([type, { required }]) => ({
    rule: `self.type != '${type}' || (${required.map((name) => `has(self.${name})`).join(' && ')})`,
    message: `type ${type} asks for ${required.join(' and ')}. Write them.`,
  }));
  const names = new Set(types.flatMap(([, { required, optional }]) => [...required, ...optional]));
  const owned = [...names].map((name) => {
    const list = typesWith(fieldsOfType, name);
    return {
      rule: `!has(self.${name}) || self.type in [${list.map((type) => `'${type}'`).join(', ')}]`,
      message: `${name} has a meaning with type ${list.join(' and ')} only. Leave it out.`,
      fieldPath: `.${name}`,
    };
  });
  return [...asked, ...owned, ...provedOnce];
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
    exactlyOne(['topics', 'topicPattern'], 'Write the topics by name, or a pattern.'),
    {
      rule: "(has(self.consumerGroup) ? self.consumerGroup : '') == (has(oldSelf.consumerGroup) ? oldSelf.consumerGroup : '')",
      message: `consumerGroup is immutable (${computedDefault('spec.source.consumerGroup', {})} where it is left out): its offsets say what is delivered. Make another Trigger for another group.`,
      fieldPath: '.consumerGroup',
    },
  ],
  'spec.function': [
    exactlyOne(['ref', 'service', 'uri'], 'To have a Deployment scaled, write ref: {name}.'),
    ...['port', 'path'].map((name) => ({
      rule: `!has(self.uri) || !has(self.${name})`,
      message: `${name} has no meaning beside uri. Write the ${name} into the uri.`,
      fieldPath: `.${name}`,
    })),
    ...['tls', 'authentication'].map((name) => ({
      rule: `!has(self.uri) || !has(self.${name}) || self.uri.matches('^[Hh][Tt][Tt][Pp][Ss]:')`,
      message: `${name} asks for https. Write a uri with https, or leave it out.`,
      fieldPath: `.${name}`,
    })),
    onlyWhere('batch', 'contentMode', 'batched'),
    onlyWhere('adaptiveConcurrency', 'concurrency', 'adaptive'),
  ],
  'spec.function.tls': Object.entries(tlsPairs).map(([name, other]) => ({
    rule: `!has(self.${name}) || has(self.${other})`,
    message: `${name} asks for ${other}. Write it.`,
  })),
  'spec.function.authentication': ofItsType(functionFieldsOfType),
  'spec.function.adaptiveConcurrency': [inOrder('spec.function.adaptiveConcurrency', 'min', 'max')],
  'spec.delivery': [onlyWhere('maxParkedKeys', 'ordering', 'key')],
  'spec.scale': [inOrder('spec.scale', 'minReplicaCount', 'maxReplicaCount')],
};

export const kafkaClusterRules: Rules = {
  spec: [
    exactlyOne(waysToBrokers, 'Write the brokers, or what leads to them.'),
    ...besideBootstrapServers.map((name) => ({
      rule: `!has(self.${name}) || has(self.bootstrapServers)`,
      message: `${name} has a meaning beside bootstrapServers only. Leave it out, or write them.`,
      fieldPath: `.${name}`,
    })),
    {
      rule: "!has(self.authentication) || self.authentication.type != 'tls' || has(self.tls)",
      message: 'authentication of type tls asks for tls. Write tls: {ca: {secretName}}, or tls: {}.',
    },
  ],
  'spec.authentication': ofItsType(fieldsOfType),
};
