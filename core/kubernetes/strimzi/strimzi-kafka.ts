// Resolves `strimzi` of a KafkaCluster to brokers and credentials, from the resources Kafka and KafkaUser (https://strimzi.io). Pure.
// The fields that it reads are the same in all versions that Strimzi has served since 0.24.
import type { Resolution } from '../../resources/cluster-resolution.ts';
import type { FilledStrimzi } from '../../resources/schema/kafka-cluster-schema.ts';
import type { Resource } from '../../contract/kubernetes-client.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { maxClusterBytes } from '../../resources/kafka-cluster.ts';
import { findExcess } from '../../resources/validation/size-limit.ts';
import { invalid, show } from '../../contract/manifest-problem.ts';
import { chooseListener, type Listener } from './strimzi-listeners.ts';
import { triggerWording } from '../../resources/validation/wording.ts';

export const strimziGroup = 'kafka.strimzi.io';
/** The preferred version first: 1.0 serves only `v1`, and releases before 0.49 serve only `v1beta2`. */
export const strimziVersions = ['v1', 'v1beta2'] as const;

/** All known Kafkas and KafkaUsers, or why there are none. */
export type StrimziLookup =
  /** The API server serves no version of Strimzi. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unread'; readonly why: string }
  | { readonly kind: 'read'; readonly kafkas: readonly Resource[]; readonly users: readonly Resource[] };

type Unresolved = Resolution & { readonly kind: 'missing' };

const at = ['spec', 'strimzi'];
const byHand = 'Write bootstrapServers, tls and authentication instead of strimzi.';
const byItself = 'Millrace continues by itself.';

/** For a KafkaCluster of `namespace`. A Kafka need not be Ready: during a rolling restart it still has brokers. */
export function resolveStrimzi(wanted: FilledStrimzi, namespace: string, lookup: StrimziLookup): Resolution {
  if (lookup.kind === 'absent')
    return unresolved(
      [],
      'needs Strimzi, but the API server does not serve kafka.strimzi.io',
      `Install it, or: ${byHand}`,
    );
  if (lookup.kind === 'unread')
    return unresolved(
      [],
      `cannot be looked up: ${lookup.why}`,
      `With the chart, strimzi.enabled=true gives the rights. ${byItself}`,
    );
  const kafka = findIn(lookup.kafkas, namespace, wanted.kafka);
  if (kafka === undefined) return absent('Kafka', 'kafka', wanted.kafka, namespace, lookup.kafkas);
  const user =
    wanted.user === undefined ? noUser : findUser(wanted.user, wanted.kafka, namespace, lookup.users);
  if (user.kind === 'missing') return user;
  const choice = chooseListener(kafka, wanted, user.authentication);
  if (choice.kind === 'missing') return choice;
  return bounded(access(kafka, choice.listener, user));
}

function bounded(resolution: Resolution): Resolution {
  const excess = resolution.kind === 'found' ? findExcess(resolution, ['spec'], maxClusterBytes) : undefined;
  if (excess === undefined) return resolution;
  return unresolved(['kafka'], `names a Kafka whose addresses and user ${excess.message}`, byHand);
}

interface User {
  readonly kind: 'user';
  /** Undefined for a client without a user. */
  readonly authentication: 'tls' | 'scram-sha-512' | undefined;
  readonly resource: Resource | undefined;
}

const noUser: User = { kind: 'user', authentication: undefined, resource: undefined };

function findUser(
  name: string,
  kafka: string,
  namespace: string,
  users: readonly Resource[],
): User | Unresolved {
  const resource = findIn(users, namespace, name);
  if (resource === undefined) return absent('KafkaUser', 'user', name, namespace, users);
  const owner = resource.metadata.labels?.['strimzi.io/cluster'];
  if (owner !== kafka) {
    const message = `names a KafkaUser whose label strimzi.io/cluster is ${show(owner)}, is ${show(name)}`;
    return unresolved(['user'], message, `Name one of the Kafka ${kafka}.`);
  }
  const type = valueAt(resource, ['spec', 'authentication', 'type']);
  if (type === 'tls' || type === 'scram-sha-512') return { kind: 'user', authentication: type, resource };
  if (type === undefined) {
    const message = `names a KafkaUser without spec.authentication, is ${show(name)}`;
    return unresolved(
      ['user'],
      message,
      'Write `type: scram-sha-512` or `type: tls` there, or leave user out.',
    );
  }
  const message = `names a KafkaUser of type ${show(type)}, for which Strimzi makes no Secret`;
  return unresolved(['user'], message, byHand);
}

function access(kafka: Resource, listener: Listener, { authentication, resource }: User): Resolution {
  const { bootstrapServers } = listener;
  if (bootstrapServers === undefined) {
    const message = `names a Kafka without an address of its listener ${listener.name} yet${stateOf(kafka)}`;
    return unresolved(['kafka'], message, `${lookAt('kafka', kafka)} ${byItself}`);
  }
  const ca = { secretName: `${kafka.metadata.name}-cluster-ca-cert`, key: 'ca.crt' };
  const place = { bootstrapServers, ...(listener.tls ? { tls: { ca } } : {}) };
  if (authentication === undefined || resource === undefined) return { kind: 'found', spec: place };
  const secretName = valueAt(resource, ['status', 'secret']);
  if (typeof secretName !== 'string') {
    const message = `names a KafkaUser that has no Secret yet${stateOf(resource)}`;
    return unresolved(['user'], message, `${lookAt('kafkauser', resource)} ${byItself}`);
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
): Unresolved {
  const near = all.filter(({ metadata }) => metadata.namespace === namespace);
  const meant = nearest(
    name,
    near.map(({ metadata }) => metadata.name),
  );
  const message = `names no ${kind} of namespace ${namespace}, is ${show(name)}`;
  if (meant === undefined) return unresolved([field], message, `Create it there. ${byItself}`);
  return unresolved([field], message, `Did you mean ${triggerWording.example([...at, field], meant)}?`);
}

/** What the operator reports about a resource that is not Ready. */
function stateOf({ status }: Resource): string {
  const conditions = valueAt(status, ['conditions']);
  const messages = (Array.isArray(conditions) ? (conditions as unknown[]) : [])
    .filter((one) => valueAt(one, ['type']) === 'NotReady' || valueAt(one, ['status']) === 'False')
    .map((one) => valueAt(one, ['message']) ?? valueAt(one, ['reason']))
    .filter((one) => typeof one === 'string');
  return messages.length === 0 ? '' : `: ${messages.join('; ')}`;
}

function lookAt(plural: string, { metadata: { namespace, name } }: Resource): string {
  return `See \`kubectl describe ${plural} ${name} --namespace ${String(namespace)}\`.`;
}

function unresolved(below: Path, message: string, remedy: string): Unresolved {
  return { kind: 'missing', mistake: invalid([...at, ...below], 'value', message, remedy) };
}
