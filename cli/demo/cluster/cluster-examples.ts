// The functions of functions-examples, adapted to a cluster: their manifests go to the demo's namespace with topics of their own, and their
// code runs in the image of the installation.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { annotationTable, hasOptedIn } from '../../../core/resources/annotations.ts';
import { configMapKind, deploymentKind, triggerKind } from '../../../core/resources/kinds.ts';
import type { Metadata, Resource } from '../../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { devCommandAnnotation } from '../../../core/resources/schema/trigger-schema.ts';
import { declareTrigger, judgeTrigger, readTrigger } from '../../../core/resources/trigger-resource.ts';
import { checkExpression } from '../../../core/expressions/compile-expression.ts';
import { functionDeployment, type PodPlace } from './pods.ts';

/** A folder of functions-examples. */
export interface Example {
  readonly name: string;
  /** From its manifests. */
  readonly resources: readonly Resource[];
  /** Undefined if the function is not written for Node. */
  readonly code: { readonly file: string; readonly text: string } | undefined;
}

export interface ClusterFunction {
  /** In the order in which they must be created. */
  readonly resources: readonly Resource[];
  readonly subscription: Subscription;
}

export async function readExamples(folder: string): Promise<Example[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(names.toSorted().map((name) => readExample(join(folder, name), name)));
}

async function readExample(folder: string, name: string): Promise<Example> {
  const manifests = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
  const texts = await Promise.all(manifests.map((file) => readFile(join(folder, file), 'utf8')));
  const resources = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as Resource),
  );
  const commands = resources.map(({ metadata }) => metadata.annotations?.[devCommandAnnotation] ?? '');
  const file = commands.map((command) => /^node (\S+)$/.exec(command)?.[1]).find(Boolean);
  if (file === undefined) return { name, resources, code: undefined };
  return { name, resources, code: { file, text: await readFile(join(folder, file), 'utf8') } };
}

/** Prefixes a topic with the namespace, because others share the Kafka. */
function topicIn(namespace: string, topic: string): string {
  return `${namespace}.${topic}`;
}

/** The resources to create for an example; undefined if it is not written for Node. */
export function placeExample(
  { name, resources, code }: Example,
  place: PodPlace,
): ClusterFunction | undefined {
  if (code === undefined) return undefined;
  const { namespace } = place;
  const codeMap: Resource = {
    apiVersion: configMapKind.apiVersion,
    kind: configMapKind.kind,
    metadata: { name: `${name}-code`, namespace },
    data: { [code.file]: code.text },
  };
  const deployments = resources
    .filter(({ kind }) => kind === deploymentKind.kind)
    .map((deployment) => ({ ...deployment, metadata: placedMetadata(deployment.metadata, namespace) }))
    .map((one) => functionDeployment(one, { file: code.file, codeMap: codeMap.metadata.name }, place));
  const triggers = resources
    .filter(({ kind }) => kind === triggerKind.kind)
    .map((trigger) => placedTrigger(trigger, namespace));
  const [trigger] = [...triggers, ...deployments.filter(hasOptedIn).map(declareTrigger)];
  return {
    resources: [codeMap, ...deployments, ...triggers],
    subscription: subscriptionOf(name, trigger),
  };
}

function subscriptionOf(name: string, trigger: Resource | undefined): Subscription {
  if (trigger === undefined) throw new Error(`${name} has no trigger`);
  const judged = judgeTrigger(trigger, { checkExpression, functionUris: 'refused' });
  const none = { find: () => undefined, all: () => [] };
  const reading = judged.kind === 'wrong' ? judged : readTrigger(judged, none);
  if (reading.kind === 'right') return reading.subscription;
  throw new Error(`${name}: ${reading.message}`);
}

/** Fields that hold names of topics. */
const topicPaths = ['spec.source.topics', 'spec.delivery.deadLetter.topic', 'spec.reply.topic'];

function placedMetadata(metadata: Metadata, namespace: string): Metadata {
  const topicKeys = new Set(
    annotationTable.filter(({ field }) => topicPaths.includes(field.path)).map(({ key }) => key),
  );
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key !== devCommandAnnotation)
    .map(([key, value]) => {
      const topics = value.split(',').map((topic) => topicIn(namespace, topic.trim()));
      return [key, topicKeys.has(key) ? topics.join(', ') : value];
    });
  return { ...metadata, namespace, annotations: Object.fromEntries(annotations) as Record<string, string> };
}

interface TriggerSpec {
  readonly source: { readonly topics: readonly string[] };
  readonly delivery?: { readonly deadLetter?: { readonly topic: string } };
  readonly reply?: { readonly topic: string };
}

function placedTrigger(trigger: Resource, namespace: string): Resource {
  const { source, delivery, reply, ...rest } = trigger.spec as TriggerSpec;
  const named = <T extends { readonly topic: string }>(value: T): T => ({
    ...value,
    topic: topicIn(namespace, value.topic),
  });
  const spec = {
    ...rest,
    source: { ...source, topics: source.topics.map((topic) => topicIn(namespace, topic)) },
    ...(delivery === undefined
      ? {}
      : {
          delivery: {
            ...delivery,
            ...(delivery.deadLetter === undefined ? {} : { deadLetter: named(delivery.deadLetter) }),
          },
        }),
    ...(reply === undefined ? {} : { reply: named(reply) }),
  };
  return { ...trigger, metadata: { ...trigger.metadata, namespace }, spec };
}
