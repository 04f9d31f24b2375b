// A validated Trigger → the Subscription that gateway and scaler run: every field resolved, with units in the names.
import { parseDuration } from './schema/duration.ts';
import { computedDefault } from './schema/fields.ts';
import type { DeclaredFilter } from './schema/filter-schema.ts';
import { parseTimestamp } from './schema/formats.ts';
import type { FunctionAuthentication, FunctionTls } from '../contract/function-access.ts';
import type { KafkaAccess } from '../contract/kafka-access.ts';
import { parseQuantity } from './schema/quantity.ts';
import type {
  Filter,
  FunctionSettings,
  FunctionTarget,
  InitialOffset,
  RateLimit,
  Subscription,
} from '../contract/subscription.ts';
import type { FilledTrigger } from './schema/trigger-schema.ts';

/** `trigger` must have passed validate-trigger.ts. `access` is that of its KafkaCluster; undefined for the cluster of the installation. */
export function resolveSubscription(
  trigger: FilledTrigger,
  dev: Subscription['dev'],
  access?: KafkaAccess,
): Subscription {
  const { metadata, spec } = trigger;
  const { namespace, name } = metadata;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    suspend: spec.suspend,
    source: {
      cluster: spec.source.cluster,
      access,
      topics: spec.source.topics ?? [],
      topicPattern: spec.source.topicPattern,
      consumerGroup:
        spec.source.consumerGroup ?? computedDefault('spec.source.consumerGroup', { namespace, name }),
      initialOffset: initialOffset(spec.source.initialOffset),
    },
    event: { type: spec.event.type, source: spec.event.source, dialect: spec.event.dialect },
    filters: spec.filters.map(resolveFilter),
    function: resolveFunction(spec.function, namespace),
    delivery: resolveDelivery(spec.delivery),
    reply: spec.reply,
    scale: resolveScale(spec.scale),
    dev,
  };
}

type Spec = FilledTrigger['spec'];
type AttributeValues = Readonly<Record<string, string>>;

function initialOffset(text: string): InitialOffset {
  if (text === 'earliest' || text === 'latest') return text;
  return { timestampMs: proven(parseTimestamp(text)) };
}

function resolveFilter(filter: DeclaredFilter): Filter {
  const { all, any, not, cesql, cel } = filter;
  if (cesql !== undefined) return { kind: 'cesql', expression: cesql };
  if (cel !== undefined) return { kind: 'cel', expression: cel };
  if (not !== undefined) return { kind: 'not', filter: resolveFilter(not) };
  if (all !== undefined) return { kind: 'all', filters: all.map(resolveFilter) };
  if (any !== undefined) return { kind: 'any', filters: any.map(resolveFilter) };
  const [[kind, attributes]] = Object.entries(filter) as [['exact' | 'prefix' | 'suffix', AttributeValues]];
  return { kind, attributes };
}

function resolveFunction(
  {
    ref,
    service,
    uri,
    port,
    path,
    tls,
    authentication,
    contentMode,
    batch,
    concurrency,
    adaptiveConcurrency,
  }: Spec['function'],
  namespace: string,
): FunctionSettings {
  let target: FunctionTarget;
  if (ref !== undefined)
    target = { kind: 'ref', apiVersion: ref.apiVersion, resource: ref.kind, name: ref.name };
  else if (service !== undefined) target = { kind: 'service', name: service.name };
  else target = { kind: 'uri', uri: proven(uri) };
  const maxBytes =
    typeof batch.maxBytes === 'number' ? batch.maxBytes : proven(parseQuantity(batch.maxBytes));
  return {
    target,
    port,
    path: target.kind === 'uri' ? pathOf(target.uri) : path,
    ...(tls === undefined ? {} : { tls: { ...serverNameOf(target, namespace), ...tls } }),
    // functionAccessRules has checked that the fields are those of `type`.
    ...(authentication === undefined ? {} : { authentication: authentication as FunctionAuthentication }),
    contentMode,
    batch: { maxEvents: batch.maxEvents, maxBytes, maxWaitMs: milliseconds(batch.maxWait) },
    concurrency: concurrency === 'adaptive' ? adaptiveConcurrency : concurrency,
  };
}

/** Requests go to the IP addresses of pods, and certificates have none of those: they are checked for this name instead. */
function serverNameOf(target: FunctionTarget, namespace: string): Pick<FunctionTls, 'serverName'> {
  return target.kind === 'uri' ? {} : { serverName: `${target.name}.${namespace}.svc` };
}

/** Path and query of `uri`, as in the request line (RFC 9112, section 3.2.1). */
function pathOf(uri: string): string {
  const { pathname, search } = new URL(uri);
  return `${pathname}${search}`;
}

function resolveDelivery(delivery: Spec['delivery']): Subscription['delivery'] {
  return {
    ordering: delivery.ordering,
    timeoutMs: milliseconds(delivery.timeout),
    retry: delivery.retry,
    backoffPolicy: delivery.backoffPolicy,
    backoffDelayMs: milliseconds(delivery.backoffDelay),
    backoffMaxMs: milliseconds(delivery.backoffMax),
    retryAfterMaxMs: milliseconds(delivery.retryAfterMax),
    maxAgeMs: delivery.maxAge === undefined ? undefined : milliseconds(delivery.maxAge),
    maxParkedKeys: delivery.maxParkedKeys,
    rateLimit: delivery.rateLimit === undefined ? undefined : resolveRateLimit(delivery.rateLimit),
    deadLetter: delivery.deadLetter,
  };
}

function resolveRateLimit({ eventsPerSecond, burst }: NonNullable<Spec['delivery']['rateLimit']>): RateLimit {
  const values = { eventsPerSecond: String(eventsPerSecond) };
  return {
    eventsPerSecond,
    burst: burst ?? Number(computedDefault('spec.delivery.rateLimit.burst', values)),
  };
}

function resolveScale(scale: Spec['scale']): Subscription['scale'] {
  return {
    minReplicaCount: scale.minReplicaCount,
    maxReplicaCount: scale.maxReplicaCount,
    lagThreshold: scale.lagThreshold,
    targetDrainMs: scale.targetDrainTime === undefined ? undefined : milliseconds(scale.targetDrainTime),
    activationLagThreshold: scale.activationLagThreshold,
    pollingIntervalSeconds: scale.pollingInterval,
    cooldownPeriodSeconds: scale.cooldownPeriod,
    behavior: scale.behavior,
  };
}

function milliseconds(duration: string): number {
  return proven(parseDuration(duration));
}

/** A value that the validation guarantees to exist. */
function proven<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('only a valid trigger can be resolved');
  return value;
}
