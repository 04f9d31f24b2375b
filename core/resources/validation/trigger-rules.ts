// The rules between the fields of a Trigger. Each rule reads only the fields that it needs, and works whatever else is wrong.
import { parseDuration } from '../schema/duration.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import { formats } from '../schema/formats.ts';
import { functionAccessRules } from './function-access-rules.ts';
import { isMapping, valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/manifest-problem.ts';
import type { Wording } from './wording.ts';

interface Declaration {
  /** As it was written. */
  readonly declared: unknown;
  /** With defaults. */
  readonly filled: unknown;
  readonly wording: Wording;
}

const rules: readonly ((declaration: Declaration) => (Mistake | undefined)[])[] = [
  oneSource,
  groupOfItsNamespace,
  oneFunction,
  uriIsWhole,
  functionAccess,
  batchInBatchedMode,
  parkedKeysByKey,
  boundsWhereAdaptive,
  boundsInOrder,
  replicasInOrder,
  backoffInOrder,
  noLoop,
];

/** The mistakes between fields. Each is reported at the field that is most likely the wrong one. */
export function triggerRules(declared: unknown, filled: unknown, wording: Wording): Mistake[] {
  return rules
    .flatMap((rule) => rule({ declared, filled, wording }))
    .filter((mistake) => mistake !== undefined);
}

function exactlyOne(
  declaration: Declaration,
  at: Path,
  names: readonly string[],
  remedy: string,
): (Mistake | undefined)[] {
  const parent = valueAt(declaration.declared, at);
  if (!isMapping(parent)) return [];
  const given = names.filter((name) => Object.hasOwn(parent, name));
  if (given.length === 1) return [];
  const has = given.length === 0 ? 'none of them' : given.join(' and ');
  return [invalid(at, 'key', `must have exactly one of ${names.join(', ')}, has ${has}`, remedy)];
}

function oneSource(declaration: Declaration) {
  const at = ['spec', 'source'];
  const byName = declaration.wording.example([...at, 'topics'], ['orders']);
  const remedy = `Write the names of the topics, ${byName}, or a topicPattern.`;
  return exactlyOne(declaration, at, ['topics', 'topicPattern'], remedy);
}

/** The group may be the default group of a trigger in another namespace, existing or future: both would then share partitions and offsets. */
function groupOfItsNamespace({ filled, wording }: Declaration) {
  const at = ['spec', 'source', 'consumerGroup'];
  const [group, namespace] = [valueAt(filled, at), valueAt(filled, ['metadata', 'namespace'])];
  if (typeof group !== 'string' || !group.startsWith('millrace.')) return [];
  if (typeof namespace !== 'string' || !formats['dns-label'].test(namespace)) return [];
  if (group.startsWith(`millrace.${namespace}.`)) return [];
  const message = `must not be a group of another namespace (a group that begins with millrace. belongs to the namespace that follows), is ${show(group)}`;
  const remedy = `Leave ${wording.name(at)} out, or write one that begins with millrace.${namespace}. or does not begin with millrace.`;
  return [invalid(at, 'value', message, remedy)];
}

function oneFunction(declaration: Declaration) {
  const at = ['spec', 'function'];
  const byName = declaration.wording.example([...at, 'ref'], { name: 'order-mailer' });
  const remedy = `To have a Deployment scaled, write ${byName}.`;
  return exactlyOne(declaration, at, ['ref', 'service', 'uri'], remedy);
}

function uriIsWhole({ declared }: Declaration) {
  const at = ['spec', 'function'];
  if (valueAt(declared, [...at, 'uri']) === undefined) return [];
  return ['port', 'path']
    .filter((name) => valueAt(declared, [...at, name]) !== undefined)
    .map((name) =>
      invalid([...at, name], 'key', 'has no meaning with uri', `Write the ${name} into the uri.`),
    );
}

function functionAccess({ declared, wording }: Declaration) {
  return functionAccessRules(declared, wording);
}

function batchInBatchedMode({ declared, filled, wording }: Declaration) {
  const at = ['spec', 'function'];
  const contentMode = valueAt(filled, [...at, 'contentMode']);
  if (valueAt(declared, [...at, 'batch']) === undefined) return [];
  if (contentMode !== 'binary' && contentMode !== 'structured') return [];
  const remedy = `Write ${wording.example([...at, 'contentMode'], 'batched')}, or leave batch out.`;
  return [invalid([...at, 'batch'], 'key', `has no meaning in contentMode ${contentMode}`, remedy)];
}

function parkedKeysByKey({ declared, filled, wording }: Declaration) {
  const at = ['spec', 'delivery'];
  const ordering = valueAt(filled, [...at, 'ordering']);
  if (valueAt(declared, [...at, 'maxParkedKeys']) === undefined) return [];
  if (ordering !== 'partition' && ordering !== 'none') return [];
  const remedy = `Write ${wording.example([...at, 'ordering'], 'key')}, or leave maxParkedKeys out.`;
  return [invalid([...at, 'maxParkedKeys'], 'key', `has no meaning with ordering ${ordering}`, remedy)];
}

function boundsWhereAdaptive({ declared, filled, wording }: Declaration) {
  const at = ['spec', 'function'];
  const concurrency = valueAt(filled, [...at, 'concurrency']);
  if (valueAt(declared, [...at, 'adaptiveConcurrency']) === undefined) return [];
  if (typeof concurrency !== 'number') return [];
  const remedy = `Write ${wording.example([...at, 'concurrency'], 'adaptive')}, or leave adaptiveConcurrency out.`;
  const message = `has no meaning with concurrency ${concurrency}`;
  return [invalid([...at, 'adaptiveConcurrency'], 'key', message, remedy)];
}

function boundsInOrder(declaration: Declaration) {
  const at = ['spec', 'function', 'adaptiveConcurrency'];
  return notAbove(declaration, [...at, 'min'], [...at, 'max'], numberOf);
}

function replicasInOrder(declaration: Declaration) {
  const at = ['spec', 'scale'];
  return notAbove(declaration, [...at, 'minReplicaCount'], [...at, 'maxReplicaCount'], numberOf);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function backoffInOrder(declaration: Declaration) {
  const [delay, max] = [
    ['spec', 'delivery', 'backoffDelay'],
    ['spec', 'delivery', 'backoffMax'],
  ] as const;
  return notAbove(declaration, delay, max, (value) =>
    typeof value === 'string' ? parseDuration(value) : undefined,
  );
}

function notAbove(
  declaration: Declaration,
  low: Path,
  high: Path,
  measure: (value: unknown) => number | undefined,
) {
  const { declared, filled, wording } = declaration;
  const [lowest, highest] = [valueAt(filled, low), valueAt(filled, high)];
  const [lowSize, highSize] = [measure(lowest), measure(highest)];
  if (lowSize === undefined || highSize === undefined || lowSize <= highSize) return [];
  const remedy = `Lower ${wording.name(low)} or raise ${wording.name(high)}.`;
  if (valueAt(declared, low) === undefined) {
    const message = `must not be below ${wording.name(low)} (${String(lowest)}), is ${String(highest)}`;
    return [invalid(high, 'value', message, remedy)];
  }
  const message = `must not be above ${wording.name(high)} (${String(highest)}), is ${String(lowest)}`;
  return [invalid(low, 'value', message, remedy)];
}

/** A record that comes back to the trigger that stored it would be delivered and stored again, without end. */
function noLoop({ declared }: Declaration) {
  return [
    { at: ['spec', 'delivery', 'deadLetter', 'topic'], what: 'dead letters' },
    { at: ['spec', 'reply', 'topic'], what: 'replies' },
  ].map(({ at, what }) => {
    const topic = valueAt(declared, at);
    if (typeof topic !== 'string' || !reads(declared, topic)) return undefined;
    const message = `must not be a topic that the trigger reads, is ${show(topic)}`;
    return invalid(
      at,
      'value',
      `${message}: its ${what} would come back to it for ever`,
      'Write another topic.',
    );
  });
}

function reads(declared: unknown, topic: string): boolean {
  const topics = valueAt(declared, ['spec', 'source', 'topics']);
  if (Array.isArray(topics) && topics.includes(topic)) return true;
  const pattern = valueAt(declared, ['spec', 'source', 'topicPattern']);
  return typeof pattern === 'string' && compileTopicPattern(pattern)?.test(topic) === true;
}
