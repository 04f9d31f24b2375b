// Chooses the listener of a Strimzi Kafka: the one that is named, or else the only internal one with the authentication of the user. Pure.
import type { Resolution } from '../../resources/cluster-resolution.ts';
import type { FilledStrimzi } from '../../resources/schema/kafka-cluster-schema.ts';
import type { Resource } from '../../contract/kubernetes-client.ts';
import { nearest } from '../../contract/nearest-name.ts';
import { valueAt, type Path } from '../../contract/path.ts';
import { invalid, show } from '../../contract/manifest-problem.ts';
import { triggerWording } from '../../resources/validation/wording.ts';

/** A listener as the Kafka declares it (https://strimzi.io/docs/operators/latest/configuring.html#type-GenericKafkaListener-reference). */
export interface Listener {
  readonly name: string;
  readonly type: string;
  readonly tls: boolean;
  /** Type of the authentication; undefined: none. */
  readonly authentication: string | undefined;
  /** Its certificate does not come from the cluster CA. */
  readonly isCertificateForeign: boolean;
  /** Undefined until the operator has brought it up. */
  readonly bootstrapServers: string | undefined;
}

type Choice =
  { readonly kind: 'chosen'; readonly listener: Listener } | (Resolution & { readonly kind: 'missing' });

const at = ['spec', 'strimzi'];
const byHand = 'Write bootstrapServers, tls and authentication instead of strimzi.';

/** `shown` is the type of authentication of the user; undefined if `wanted` names no user. */
export function chooseListener(kafka: Resource, wanted: FilledStrimzi, shown: string | undefined): Choice {
  const listeners = listenersOf(kafka);
  const fitting = listeners.filter(
    ({ type, authentication }) => type === 'internal' && authentication === shown,
  );
  if (wanted.listener === undefined) {
    const [only, ...others] = fitting;
    if (only === undefined) return noneFits(wanted, shown, listeners);
    return others.length === 0 ? trusted(only) : severalFit(fitting);
  }
  const named = listeners.find(({ name }) => name === wanted.listener);
  if (named === undefined) return unknown(wanted.kafka, wanted.listener, listeners);
  return named.authentication === shown ? trusted(named) : unfit(named, wanted, shown, fitting);
}

function listenersOf(kafka: Resource): Listener[] {
  const statuses = listAt(kafka, ['status', 'listeners']);
  return listAt(kafka, ['spec', 'kafka', 'listeners']).map((declared) => {
    const name = String(valueAt(declared, ['name']));
    const status = statuses.find((one) => valueAt(one, ['name']) === name);
    return {
      name,
      type: String(valueAt(declared, ['type'])),
      tls: valueAt(declared, ['tls']) === true,
      authentication: textAt(declared, ['authentication', 'type']),
      isCertificateForeign: valueAt(declared, ['configuration', 'brokerCertChainAndKey']) !== undefined,
      bootstrapServers: textAt(status, ['bootstrapServers']),
    };
  });
}

function listAt(value: unknown, path: Path): unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

function textAt(value: unknown, path: Path): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' ? found : undefined;
}

function trusted(listener: Listener): Choice {
  if (!listener.isCertificateForeign) return { kind: 'chosen', listener };
  const message = `is a listener with a certificate of its own (brokerCertChainAndKey), is ${show(listener.name)}`;
  return unresolved(['listener'], message, `Strimzi does not say who has issued it. ${byHand}`);
}

function noneFits(wanted: FilledStrimzi, shown: string | undefined, listeners: readonly Listener[]): Choice {
  const all = listeners.map((one) => `${one.name} (${one.type}, ${asks(one)})`).join(', ');
  const has = all === '' ? 'none' : all;
  const message = `has no internal listener ${forClient(wanted, shown)}: the Kafka ${wanted.kafka} has ${has}`;
  return unresolved([], message, 'Name a listener, and a KafkaUser that fits it.');
}

function severalFit(fitting: readonly Listener[]): Choice {
  const names = fitting.map(({ name }) => name);
  // Suggests one with TLS if there is one.
  const best = fitting.find(({ tls }) => tls)?.name ?? names[0];
  const message = `is missing, and there are several that fit: ${names.join(', ')}`;
  return unresolved(['listener'], message, `Write ${triggerWording.example([...at, 'listener'], best)}.`);
}

function unknown(kafka: string, name: string, listeners: readonly Listener[]): Choice {
  const names = listeners.map((one) => one.name);
  const meant = nearest(name, names, 2);
  const message = `names no listener of the Kafka ${kafka}, is ${show(name)}`;
  const remedy =
    meant === undefined ? '' : `Did you mean ${triggerWording.example([...at, 'listener'], meant)}? `;
  return unresolved(['listener'], message, `${remedy}It has ${names.join(', ')}.`);
}

function unfit(
  named: Listener,
  wanted: FilledStrimzi,
  shown: string | undefined,
  fitting: readonly Listener[],
): Choice {
  const message = `is ${show(named.name)}, which asks for ${asks(named)}, but ${clientOf(wanted, shown)}`;
  return unresolved(['listener'], message, remedyFor(named, shown, fitting));
}

function remedyFor(
  { authentication }: Listener,
  shown: string | undefined,
  fitting: readonly Listener[],
): string {
  const isKnown = [undefined, 'tls', 'scram-sha-512'].includes(authentication);
  if (!isKnown) return byHand;
  const other = fitting.map(({ name }) => name).join(' or ');
  const another = other === '' ? '' : `Name the listener ${other}, or `;
  const user =
    authentication === undefined ? 'leave user out' : `name a KafkaUser of type ${authentication} as user`;
  const sentence = `${another}${user}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function asks({ authentication }: Listener): string {
  return authentication === undefined ? 'no authentication' : `authentication ${authentication}`;
}

function forClient({ user }: FilledStrimzi, shown: string | undefined): string {
  return shown === undefined
    ? 'without authentication'
    : `for the KafkaUser ${String(user)}, which is of type ${shown}`;
}

function clientOf({ user }: FilledStrimzi, shown: string | undefined): string {
  return shown === undefined ? 'no user is named' : `the KafkaUser ${String(user)} is of type ${shown}`;
}

function unresolved(below: Path, message: string, remedy: string): Choice {
  return { kind: 'missing', mistake: invalid([...at, ...below], 'value', message, remedy) };
}
