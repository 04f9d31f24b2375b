// Triggers as they stand in a cluster: the subscription that a resource means, or why it means none; and the resource that
// the annotations of a Deployment mean.
import { lackingIn } from './cluster-resolution.ts';
import { annotationWording, declareByAnnotations } from './annotations.ts';
import type { CheckExpression } from '../contract/expressions.ts';
import { validateDeploymentManifest, validateTriggerManifest } from './manifests/validate-manifest.ts';
import { whyUriRefused } from '../network/tenant-address.ts';
import {
  chooseCluster,
  knownCluster,
  placeOf,
  validateKafkaCluster,
  type KnownCluster,
} from './kafka-cluster.ts';
import type { Resource } from '../contract/kubernetes-client.ts';
import { formatProblem } from '../contract/problem.ts';
import { inTemplate } from './manifests/open-manifest.ts';
import { pathText, valueAt, type Path } from '../contract/path.ts';
import type { Mistake } from '../contract/problem.ts';
import { resolveSubscription } from './resolve-subscription.ts';
import type { FunctionUris } from '../network/tenant-address.ts';
import type { Subscription } from '../contract/subscription.ts';
import { annotationPrefix, type FilledTrigger } from './schema/trigger-schema.ts';
import { validateTrigger } from './validation/validate-trigger.ts';

/** On a Trigger that was made of annotations: what is wrong with them, as a JSON list of texts. */
export const mistakesAnnotation = `${annotationPrefix}mistakes`;

export type RefusalReason =
  | 'InvalidSpec'
  | 'InvalidAnnotations'
  | 'NotBuilt'
  | 'NameTooLong'
  | 'UriNotAllowed'
  | 'UnknownCluster'
  | 'ClusterNotGranted'
  | 'InvalidCluster'
  | 'ClusterUnresolved';

export type TriggerReading =
  | { readonly kind: 'right'; readonly subscription: Subscription }
  /** `message` says in whole sentences what is wrong, and what to do. */
  | { readonly kind: 'wrong'; readonly reason: RefusalReason; readonly message: string };

export interface TriggerContext {
  readonly checkExpression: CheckExpression;
  /** The KafkaClusters of all namespaces that are watched, resolved. */
  readonly clusters: readonly Resource[];
  /** What becomes of `function.uri`, which may lead anywhere that the gateway can reach. */
  readonly functionUris: FunctionUris;
}

/** Reads a Trigger as the API server has it. Never throws. */
export function readTriggerResource(resource: Resource, context: TriggerContext): TriggerReading {
  const noted = notedMistakes(resource);
  if (noted.length > 0) return wrong('InvalidAnnotations', listed(noted));
  const { trigger, mistakes } = validateTriggerManifest(written(resource), context.checkExpression);
  if (trigger === undefined || mistakes.length > 0) {
    const isNotBuilt = mistakes.every(({ code }) => code === 'MILLRACE_FIELD_NOT_BUILT');
    return wrong(isNotBuilt ? 'NotBuilt' : 'InvalidSpec', listed(mistakes.map(told)));
  }
  return judgeInCluster(trigger, context);
}

/** What only a cluster asks for. */
function judgeInCluster(trigger: FilledTrigger, { clusters, functionUris }: TriggerContext): TriggerReading {
  const { metadata, spec } = trigger;
  const { uri } = spec.function;
  const why = uri === undefined ? undefined : whyUriRefused(uri, functionUris);
  if (why !== undefined) return wrong('UriNotAllowed', `spec.function.uri: ${why}`);
  if (spec.function.ref !== undefined && !isServiceName(serviceNameOf(metadata.name))) {
    const message = `metadata.name: must be at most ${longestName} letters, digits and hyphens, for the Service `;
    return wrong(
      'NameTooLong',
      `${message}${serviceNameOf(metadata.name)} is named after it. Write a shorter name.`,
    );
  }
  const verdicts = clusters.map((cluster) => validateKafkaCluster(written(cluster)));
  const known = verdicts.map(knownCluster);
  const choice = chooseCluster(trigger, known);
  if (choice.kind === 'unknown') return wrong('UnknownCluster', told(choice.mistake));
  if (choice.kind === 'ungranted') return wrong('ClusterNotGranted', told(choice.mistake));
  if (choice.kind === 'found')
    return { kind: 'right', subscription: resolveSubscription(trigger, undefined, choice.access) };
  const cluster = `spec.source.cluster: the KafkaCluster ${spec.source.cluster}`;
  const mistakes = verdicts.flatMap((verdict) =>
    verdict.kind === 'wrong' && isCluster(knownCluster(verdict), trigger) ? verdict.mistakes : [],
  );
  if (mistakes.length > 0)
    return wrong('InvalidCluster', `${cluster} has mistakes. ${listed(mistakes.map(told))}`);
  const lacking = clusters.filter((_, index) => isCluster(known[index], trigger)).map(lackingIn);
  return wrong('ClusterUnresolved', `${cluster} leads nowhere yet. ${listed(lacking.map(told))}`);
}

function isCluster(known: KnownCluster | undefined, { metadata, spec }: FilledTrigger): boolean {
  const { namespace, name } = placeOf(spec.source.cluster, metadata.namespace);
  return known?.namespace === namespace && known.name === name;
}

/** The Service by which the endpoints of a trigger's `ref` are found. */
export function serviceNameOf(triggerName: string): string {
  return `${triggerName}${serviceSuffix}`;
}

const serviceSuffix = '-millrace';
const longestName = 63 - serviceSuffix.length;

function isServiceName(name: string): boolean {
  return name.length <= 63 && !name.includes('.');
}

function wrong(reason: RefusalReason, message: string): TriggerReading {
  return { kind: 'wrong', reason, message };
}

/** What a user has written of a resource, without what the API server and others have added. */
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
    // Somebody has written it by hand.
  }
  return [text];
}

/** A condition's message has an end. */
const mostTold = 10;

function listed(mistakes: readonly string[]): string {
  const rest = mistakes.length - mostTold;
  return [...mistakes.slice(0, mostTold), ...(rest > 0 ? [`And ${rest} more.`] : [])].join(' ');
}

function told({ code, at, message, remedy }: Mistake): string {
  return formatProblem({ code, path: pathText(at), message, remedy });
}

/** Where no right topic is written: without one the API server would not take the Trigger. */
const nothingToRead = { suspend: true, source: { topics: ['unknown'] } };

/**
 * The Trigger that the annotations of `deployment`, which has opted in, mean: as they are written, without defaults. With mistakes
 * in them it carries `mistakesAnnotation`, and of its spec what the API server takes: so it can exist, and say what is wrong.
 */
export function declareTrigger(deployment: Resource): Resource {
  const { declared } = declareByAnnotations(deployment);
  const { mistakes } = validateDeploymentManifest(deployment, () => undefined);
  const messages = [...mistakes, ...inTemplate(deployment)].map(told);
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

/** `declared` without what is wrong in it. What one round leaves may be wrong by itself, such as a mapping that is now empty. */
function reduced(declared: unknown): unknown {
  const trigger = declared as { spec: Spec };
  for (let round = 0; round < mostRounds; round += 1) {
    const verdict = validateTrigger(trigger, annotationWording);
    if (verdict.kind === 'right') return trigger;
    // From the end of a list, so that the places before it stay what they are.
    for (const { at } of verdict.mistakes.toSorted((a, b) => indexOf(b.at) - indexOf(a.at)))
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

/** A mistake lies at most so deep within what annotations can write. */
const mostRounds = 8;

/** Where in a list it lies; 0 in no list. */
function indexOf(at: Path): number {
  return at.findLast((step) => typeof step === 'number') ?? 0;
}

/** Takes away what stands at `at`, or else the nearest above it; nothing that every trigger has. */
function drop(trigger: object, at: Path): void {
  const least = at[1] === 'source' || at[1] === 'function' ? 3 : 2;
  for (let depth = at.length; depth >= least; depth -= 1) {
    const [parent, last] = [valueAt(trigger, at.slice(0, depth - 1)), at[depth - 1]];
    if (Array.isArray(parent) && Number(last) < parent.length) return void parent.splice(Number(last), 1);
    if (valueAt(parent, [String(last)]) !== undefined)
      return void Reflect.deleteProperty(parent as object, String(last));
  }
}
