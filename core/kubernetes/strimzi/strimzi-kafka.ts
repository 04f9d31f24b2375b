// A Kafka that Strimzi runs (https://strimzi.io), and who comes in as one of its users: read from the resources Kafka and KafkaUser, whose
// parts that are read here are the same in all versions that Strimzi has served since 0.24.
import type { Resolution } from '../../resources/cluster-resolution.ts';
import type { FilledStrimzi } from '../../resources/schema/kafka-cluster-schema.ts';
import type { Resource } from '../../contract/kubernetes-client.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, show } from '../../contract/problem.ts';
import { chooseListener, type Listener } from './strimzi-listeners.ts';
import { triggerWording } from '../../resources/validation/wording.ts';

export const strimziGroup = 'kafka.strimzi.io';
/** The best first: 1.0 serves `v1` alone, and releases before 0.49 `v1beta2` alone. */
export const strimziVersions = ['v1', 'v1beta2'] as const;

/** What is known of all Kafkas and KafkaUsers. */
export type StrimziLookup =
  /** The API server serves none of its versions. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unread'; readonly why: string }
  | { readonly kind: 'read'; readonly kafkas: readonly Resource[]; readonly users: readonly Resource[] };

type Lacking = Resolution & { readonly kind: 'missing' };

const at = ['spec', 'strimzi'];
const byHand = 'Write bootstrapServers, tls and authentication instead of strimzi.';
const byItself = 'It goes on by itself.';

/** For a KafkaCluster of `namespace`. Whether a Kafka is Ready does not matter: one that is being rolled has brokers. */
export function resolveStrimzi(wanted: FilledStrimzi, namespace: string, lookup: StrimziLookup): Resolution {
  if (lookup.kind === 'absent')
    return lacking([], 'needs Strimzi, whose kafka.strimzi.io is not there', `Install it, or: ${byHand}`);
  if (lookup.kind === 'unread')
    return lacking(
      [],
      `cannot be looked up: ${lookup.why}`,
      `With the chart, strimzi.enabled=true gives the rights. ${byItself}`,
    );
  const kafka = findIn(lookup.kafkas, namespace, wanted.kafka);
  if (kafka === undefined) return absent('Kafka', 'kafka', wanted.kafka, namespace, lookup.kafkas);
  const user =
    wanted.user === undefined ? nobody : findUser(wanted.user, wanted.kafka, namespace, lookup.users);
  if (user.kind === 'missing') return user;
  const choice = chooseListener(kafka, wanted, user.authentication);
  if (choice.kind === 'missing') return choice;
  return access(kafka, choice.listener, user);
}

interface User {
  readonly kind: 'user';
  /** Undefined for nobody. */
  readonly authentication: 'tls' | 'scram-sha-512' | undefined;
  readonly resource: Resource | undefined;
}

const nobody: User = { kind: 'user', authentication: undefined, resource: undefined };

function findUser(
  name: string,
  kafka: string,
  namespace: string,
  users: readonly Resource[],
): User | Lacking {
  const resource = findIn(users, namespace, name);
  if (resource === undefined) return absent('KafkaUser', 'user', name, namespace, users);
  const owner = resource.metadata.labels?.['strimzi.io/cluster'];
  if (owner !== kafka) {
    const message = `names a KafkaUser whose label strimzi.io/cluster is ${show(owner)}, is ${show(name)}`;
    return lacking(['user'], message, `Name one of the Kafka ${kafka}.`);
  }
  const type = valueAt(resource, ['spec', 'authentication', 'type']);
  if (type === 'tls' || type === 'scram-sha-512') return { kind: 'user', authentication: type, resource };
  if (type === undefined) {
    const message = `names a KafkaUser without spec.authentication, is ${show(name)}`;
    return lacking(['user'], message, 'Write `type: scram-sha-512` or `type: tls` there, or leave user out.');
  }
  const message = `names a KafkaUser of type ${show(type)}, for which Strimzi makes no Secret`;
  return lacking(['user'], message, byHand);
}

function access(kafka: Resource, listener: Listener, { authentication, resource }: User): Resolution {
  const { bootstrapServers } = listener;
  if (bootstrapServers === undefined) {
    const message = `names a Kafka without an address of its listener ${listener.name} yet${stateOf(kafka)}`;
    return lacking(['kafka'], message, `${lookAt('kafka', kafka)} ${byItself}`);
  }
  const ca = { secretName: `${kafka.metadata.name}-cluster-ca-cert`, key: 'ca.crt' };
  const place = { bootstrapServers, ...(listener.tls ? { tls: { ca } } : {}) };
  if (authentication === undefined || resource === undefined) return { kind: 'found', spec: place };
  const secretName = valueAt(resource, ['status', 'secret']);
  if (typeof secretName !== 'string') {
    const message = `names a KafkaUser that has no Secret yet${stateOf(resource)}`;
    return lacking(['user'], message, `${lookAt('kafkauser', resource)} ${byItself}`);
  }
  const username = valueAt(resource, ['status', 'username']) ?? resource.metadata.name;
  const shown =
    authentication === 'tls'
      ? { certificate: { secretName, key: 'user.crt' }, key: { secretName, key: 'user.key' } }
      : { username, password: { secretName, key: 'password' } };
  return { kind: 'found', spec: { ...place, authentication: { type: authentication, ...shown } } };
}

function findIn(resources: readonly Resource[], namespace: string, name: string): Resource | undefined {
  return resources.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

function absent(
  kind: string,
  field: string,
  name: string,
  namespace: string,
  all: readonly Resource[],
): Lacking {
  const near = all.filter(({ metadata }) => metadata.namespace === namespace);
  const meant = nearest(
    name,
    near.map(({ metadata }) => metadata.name),
  );
  const message = `names no ${kind} of namespace ${namespace}, is ${show(name)}`;
  if (meant === undefined) return lacking([field], message, `Make it there. ${byItself}`);
  return lacking([field], message, `Did you mean ${triggerWording.example([...at, field], meant)}?`);
}

/** What the operator says where something is not Ready. */
function stateOf({ status }: Resource): string {
  const conditions = valueAt(status, ['conditions']);
  const told = (Array.isArray(conditions) ? (conditions as unknown[]) : [])
    .filter((one) => valueAt(one, ['type']) === 'NotReady' || valueAt(one, ['status']) === 'False')
    .map((one) => valueAt(one, ['message']) ?? valueAt(one, ['reason']))
    .filter((one) => typeof one === 'string');
  return told.length === 0 ? '' : `: ${told.join('; ')}`;
}

function lookAt(plural: string, { metadata: { namespace, name } }: Resource): string {
  return `See \`kubectl describe ${plural} ${name} --namespace ${String(namespace)}\`.`;
}

function lacking(below: Path, message: string, remedy: string): Lacking {
  return { kind: 'missing', mistake: invalid([...at, ...below], 'value', message, remedy) };
}
