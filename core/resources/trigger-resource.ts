// Trigger resources of a cluster: a Trigger → its subscription, or the reason why it has none; and the annotations of a Deployment → a
// Trigger.
import { annotationWording, declareByAnnotations } from './annotations.ts';
import type { CheckExpression } from '../contract/expressions.ts';
import { validateDeploymentManifest, validateTriggerManifest } from './manifests/validate-manifest.ts';
import { whyUriRefused } from '../network/tenant-address.ts';
import { judgeCluster, type ClusterLookup, type JudgedCluster } from './judged-cluster.ts';
import { chooseCluster, placeOf, type ClusterPlace } from './kafka-cluster.ts';
import { kafkaClusterKind } from './kinds.ts';
import type { Resource } from '../contract/kubernetes-client.ts';
import { formatProblem } from '../contract/manifest-problem.ts';
import { inTemplate } from './manifests/open-manifest.ts';
import { pathText, valueAt, type Path } from '../contract/path.ts';
import type { Mistake } from '../contract/manifest-problem.ts';
import { resolveSubscription } from './resolve-subscription.ts';
import type { FunctionUris } from '../network/tenant-address.ts';
import type { Subscription } from '../contract/subscription.ts';
import type { AcceptedVersion } from './trigger-status.ts';
import { annotationPrefix, type FilledTrigger } from './schema/trigger-schema.ts';
import { validateTrigger } from './validation/validate-trigger.ts';

/** On a Trigger that was made from annotations: the mistakes in them, as a JSON list of texts. */
export const mistakesAnnotation = `${annotationPrefix}mistakes`;

export type RefusalReason =
  | 'InvalidSpec'
  | 'InvalidAnnotations'
  | 'NotBuilt'
  | 'UriNotAllowed'
  | 'UnknownCluster'
  | 'ClusterNotGranted'
  | 'InvalidCluster'
  | 'ClusterUnresolved';

export interface Refusal {
  readonly kind: 'wrong';
  readonly reason: RefusalReason;
  /** Whole sentences that say what is wrong, and what to do. */
  readonly message: string;
}

/** What a trigger was accepted with: enough to run it again, whatever becomes of it and its KafkaCluster. */
type Accepted = Omit<AcceptedVersion, 'generation'>;

export type TriggerReading =
  { readonly kind: 'right'; readonly subscription: Subscription; readonly accepted: Accepted } | Refusal;

/** A trigger without mistakes of its own; whether its KafkaCluster can be used is another question. */
export interface JudgedTrigger {
  readonly kind: 'judged';
  readonly trigger: FilledTrigger;
  /** As it was written. */
  readonly spec: object;
  /** Where the KafkaCluster is that it names. */
  readonly cluster: ClusterPlace;
}

export interface TriggerContext {
  readonly checkExpression: CheckExpression;
  /** Whether `function.uri` is allowed. It could lead to any address that the gateway can reach. */
  readonly functionUris: FunctionUris;
}

/** Judges a Trigger of the API server by itself. Never throws. */
export function judgeTrigger(resource: Resource, context: TriggerContext): JudgedTrigger | Refusal {
  const noted = notedMistakes(resource);
  if (noted.length > 0) return wrong('InvalidAnnotations', listed(noted));
  const { trigger, mistakes } = validateTriggerManifest(written(resource), context.checkExpression);
  if (trigger === undefined || mistakes.length > 0) {
    const isNotBuilt = mistakes.every(({ code }) => code === 'MILLRACE_FIELD_NOT_BUILT');
    return wrong(isNotBuilt ? 'NotBuilt' : 'InvalidSpec', listed(mistakes.map(textOf)));
  }
  const { metadata, spec } = trigger;
  const { uri } = spec.function;
  const why = uri === undefined ? undefined : whyUriRefused(uri, context.functionUris);
  if (why !== undefined) return wrong('UriNotAllowed', `spec.function.uri: ${why}`);
  const cluster = placeOf(spec.source.cluster, metadata.namespace);
  return { kind: 'judged', trigger, spec: resource.spec as object, cluster };
}

/** The subscription of a judged trigger, given the KafkaClusters of all watched namespaces. */
export function readTrigger(
  { trigger, spec, cluster }: JudgedTrigger,
  clusters: ClusterLookup,
): TriggerReading {
  const found = clusters.find(cluster);
  let choice = chooseCluster(trigger, found === undefined ? [] : [found]);
  // Only to say which names are near are all others needed.
  if (choice.kind === 'unknown' || choice.kind === 'ungranted')
    choice = chooseCluster(trigger, clusters.all());
  switch (choice.kind) {
    case 'unknown':
      return wrong('UnknownCluster', textOf(choice.mistake));
    case 'ungranted':
      return wrong('ClusterNotGranted', textOf(choice.mistake));
    case 'found': {
      const accepted =
        choice.access === undefined || found === undefined ? { spec } : { spec, cluster: found.spec };
      const subscription = resolveSubscription(trigger, undefined, choice.access);
      return { kind: 'right', subscription, accepted };
    }
    case 'wrong': {
      // Only a KafkaCluster that was found can be wrong.
      const { reason, mistakes } = found as JudgedCluster;
      const what = reason === 'InvalidCluster' ? 'has mistakes' : 'cannot be used yet';
      const message = `spec.source.cluster: the KafkaCluster ${trigger.spec.source.cluster} ${what}.`;
      return wrong(reason, `${message} ${listed(mistakes.map(textOf))}`);
    }
  }
}

/** The subscription that `resource` was accepted with, as its status says; undefined if it says nothing that can be used. */
export function readAccepted(resource: Resource, context: TriggerContext): Subscription | undefined {
  const accepted = valueAt(resource, ['status', 'accepted']);
  const spec = valueAt(accepted, ['spec']);
  if (spec === undefined) return undefined;
  const { [mistakesAnnotation]: _noted, ...annotations } = resource.metadata.annotations ?? {};
  const metadata = { ...resource.metadata, annotations };
  const judged = judgeTrigger({ ...resource, metadata, spec }, context);
  if (judged.kind === 'wrong') return undefined;
  const clusterSpec = valueAt(accepted, ['cluster']);
  if (clusterSpec === undefined) return resolveSubscription(judged.trigger, undefined, undefined);
  const { apiVersion, kind } = kafkaClusterKind;
  const { access } = judgeCluster({ apiVersion, kind, metadata: judged.cluster, spec: clusterSpec });
  return access && resolveSubscription(judged.trigger, undefined, access);
}

function wrong(reason: RefusalReason, message: string): Refusal {
  return { kind: 'wrong', reason, message };
}

/** The part of a resource that its author wrote, without what the API server and others have added. */
function written({ apiVersion, kind, metadata, spec }: Resource): object {
  const { name, namespace, annotations = {} } = metadata;
  const others = Object.fromEntries(
    Object.entries(annotations).filter(([name]) => name !== mistakesAnnotation),
  );
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), annotations: others },
    ...(spec === undefined ? {} : { spec }),
  };
}

function notedMistakes({ metadata }: Resource): string[] {
  const text = metadata.annotations?.[mistakesAnnotation];
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // It is no JSON: somebody has edited the annotation by hand.
  }
  return [text];
}

/** The message of a condition is limited, so it lists only so many mistakes. */
const maxListed = 10;

function listed(mistakes: readonly string[]): string {
  const rest = mistakes.length - maxListed;
  return [...mistakes.slice(0, maxListed), ...(rest > 0 ? [`And ${rest} more.`] : [])].join(' ');
}

function textOf({ code, at, message, remedy }: Mistake): string {
  return formatProblem({ code, path: pathText(at), message, remedy });
}

/** Stands in for missing or invalid topics: without a topic the API server would refuse the Trigger. */
const nothingToRead = { suspend: true, source: { topics: ['unknown'] } };

/**
 * The Trigger that the annotations of `deployment`, which has opted in, declare, without defaults. If they have mistakes, it carries
 * `mistakesAnnotation`, and only the part of the spec that the API server accepts: so it can exist, and report the mistakes.
 */
export function declareTrigger(deployment: Resource): Resource {
  const { declared } = declareByAnnotations(deployment);
  const { mistakes } = validateDeploymentManifest(deployment, () => undefined);
  const messages = [...mistakes, ...inTemplate(deployment)].map(textOf);
  const { name, namespace } = deployment.metadata;
  const { apiVersion, kind, spec } = reduced(declared) as Resource;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(messages.length === 0 ? {} : { annotations: { [mistakesAnnotation]: JSON.stringify(messages) } }),
    },
    spec,
  };
}

/** `declared` without its invalid fields. It takes several rounds: removing a field may leave an invalid rest, such as an empty mapping. */
function reduced(declared: unknown): unknown {
  const trigger = declared as { spec: Spec };
  for (let round = 0; round < mostRounds; round += 1) {
    const validation = validateTrigger(trigger, annotationWording);
    if (validation.kind === 'right') return trigger;
    // Lists are cut from their end, so that the indices of earlier items stay valid.
    for (const { at } of validation.mistakes.toSorted((a, b) => indexOf(b.at) - indexOf(a.at)))
      drop(trigger, at);
    const { topics } = trigger.spec.source;
    if (!Array.isArray(topics) || topics.length === 0) Object.assign(trigger.spec, nothingToRead);
  }
  const { ref } = trigger.spec.function;
  return { ...trigger, spec: { ...nothingToRead, function: { ref } } };
}

interface Spec {
  readonly source: { readonly topics?: unknown };
  readonly function: { readonly ref: object };
}

/** The fields that annotations can set are not nested more deeply. */
const mostRounds = 8;

/** The index of the innermost list on the path; 0 without a list. */
function indexOf(at: Path): number {
  return at.findLast((step) => typeof step === 'number') ?? 0;
}

/** Removes the field at `at`, or the nearest field above it that exists; never a field that every trigger has. */
function drop(trigger: object, at: Path): void {
  const least = at[1] === 'source' || at[1] === 'function' ? 3 : 2;
  for (let depth = at.length; depth >= least; depth -= 1) {
    const [parent, last] = [valueAt(trigger, at.slice(0, depth - 1)), at[depth - 1]];
    if (Array.isArray(parent) && Number(last) < parent.length) return void parent.splice(Number(last), 1);
    if (valueAt(parent, [String(last)]) !== undefined)
      return void Reflect.deleteProperty(parent as object, String(last));
  }
}
