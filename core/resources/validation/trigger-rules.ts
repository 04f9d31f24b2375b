// What must hold between the fields of a Trigger. Each rule looks only at what it needs, whatever else is
// wrong.
import { parseDuration } from '../schema/duration.ts';
import { compileTopicPattern } from '../../contract/topic-pattern.ts';
import { formats } from '../schema/formats.ts';
import { functionAccessRules } from './function-access-rules.ts';
import { isMapping, valueAt, type Path } from '../../contract/path.ts';
import { invalid, show, type Mistake } from '../../contract/problem.ts';
import type { Wording } from './wording.ts';

interface Judged {
  /** As it was written. */
  readonly declared: unknown;
  /** With defaults. */
  readonly filled: unknown;
  readonly wording: Wording;
}

const rules: readonly ((judged: Judged) => (Mistake | undefined)[])[] = [
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

/** The mistakes between fields, each told at the field that is most likely the wrong one. */
export function triggerRules(declared: unknown, filled: unknown, wording: Wording): Mistake[] {
  return rules
    .flatMap((rule) => rule({ declared, filled, wording }))
    .filter((mistake) => mistake !== undefined);
}

function exactlyOne(
  judged: Judged,
  at: Path,
  names: readonly string[],
  remedy: string,
): (Mistake | undefined)[] {
  const parent = valueAt(judged.declared, at);
  if (!isMapping(parent)) return [];
  const given = names.filter((name) => Object.hasOwn(parent, name));
  if (given.length === 1) return [];
  const has = given.length === 0 ? 'none of them' : given.join(' and ');
  return [invalid(at, 'key', `must have exactly one of ${names.join(', ')}, has ${has}`, remedy)];
}

function oneSource(judged: Judged) {
  const at = ['spec', 'source'];
  const byName = judged.wording.example([...at, 'topics'], ['orders']);
  const remedy = `Write the topics by name, ${byName}, or a pattern.`;
  return exactlyOne(judged, at, ['topics', 'topicPattern'], remedy);
}

/** A default group of another namespace, which may have no trigger yet, would lead to that one's place in its topics. */
function groupOfItsNamespace({ filled, wording }: Judged) {
  const at = ['spec', 'source', 'consumerGroup'];
  const [group, namespace] = [valueAt(filled, at), valueAt(filled, ['metadata', 'namespace'])];
  if (typeof group !== 'string' || !group.startsWith('millrace.')) return [];
  if (typeof namespace !== 'string' || !formats['dns-label'].test(namespace)) return [];
  if (group.startsWith(`millrace.${namespace}.`)) return [];
  const message = `must be no group of another namespace, which those that begin with millrace. are, is ${show(group)}`;
  const remedy = `Leave ${wording.name(at)} out, or write one that begins with millrace.${namespace}. or with something else.`;
  return [invalid(at, 'value', message, remedy)];
}

function oneFunction(judged: Judged) {
  const at = ['spec', 'function'];
  const byName = judged.wording.example([...at, 'ref'], { name: 'order-mailer' });
  const remedy = `To have a Deployment scaled, write ${byName}.`;
  return exactlyOne(judged, at, ['ref', 'service', 'uri'], remedy);
}

function uriIsWhole({ declared }: Judged) {
  const at = ['spec', 'function'];
  if (valueAt(declared, [...at, 'uri']) === undefined) return [];
  return ['port', 'path']
    .filter((name) => valueAt(declared, [...at, name]) !== undefined)
    .map((name) =>
      invalid([...at, name], 'key', 'has no meaning beside uri', `Write the ${name} into the uri.`),
    );
}

function functionAccess({ declared, wording }: Judged) {
  return functionAccessRules(declared, wording);
}

function batchInBatchedMode({ declared, filled, wording }: Judged) {
  const at = ['spec', 'function'];
  const contentMode = valueAt(filled, [...at, 'contentMode']);
  if (valueAt(declared, [...at, 'batch']) === undefined) return [];
  if (contentMode !== 'binary' && contentMode !== 'structured') return [];
  const remedy = `Write ${wording.example([...at, 'contentMode'], 'batched')}, or leave the batch out.`;
  return [invalid([...at, 'batch'], 'key', `has no meaning in contentMode ${contentMode}`, remedy)];
}

function parkedKeysByKey({ declared, filled, wording }: Judged) {
  const at = ['spec', 'delivery'];
  const ordering = valueAt(filled, [...at, 'ordering']);
  if (valueAt(declared, [...at, 'maxParkedKeys']) === undefined) return [];
  if (ordering !== 'partition' && ordering !== 'none') return [];
  const remedy = `Write ${wording.example([...at, 'ordering'], 'key')}, or leave it out.`;
  return [invalid([...at, 'maxParkedKeys'], 'key', `has no meaning with ordering ${ordering}`, remedy)];
}

function boundsWhereAdaptive({ declared, filled, wording }: Judged) {
  const at = ['spec', 'function'];
  const concurrency = valueAt(filled, [...at, 'concurrency']);
  if (valueAt(declared, [...at, 'adaptiveConcurrency']) === undefined) return [];
  if (typeof concurrency !== 'number') return [];
  const remedy = `Write ${wording.example([...at, 'concurrency'], 'adaptive')}, or leave the bounds out.`;
  const message = `has no meaning with concurrency ${concurrency}`;
  return [invalid([...at, 'adaptiveConcurrency'], 'key', message, remedy)];
}

function boundsInOrder(judged: Judged) {
  const at = ['spec', 'function', 'adaptiveConcurrency'];
  return notAbove(judged, [...at, 'min'], [...at, 'max'], numberOf);
}

function replicasInOrder(judged: Judged) {
  const at = ['spec', 'scale'];
  return notAbove(judged, [...at, 'minReplicaCount'], [...at, 'maxReplicaCount'], numberOf);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function backoffInOrder(judged: Judged) {
  const [delay, max] = [
    ['spec', 'delivery', 'backoffDelay'],
    ['spec', 'delivery', 'backoffMax'],
  ] as const;
  return notAbove(judged, delay, max, (value) =>
    typeof value === 'string' ? parseDuration(value) : undefined,
  );
}

function notAbove(judged: Judged, low: Path, high: Path, measure: (value: unknown) => number | undefined) {
  const { declared, filled, wording } = judged;
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

/** A record that comes back to the trigger that wrote it goes round for ever. */
function noLoop({ declared }: Judged) {
  return [
    { at: ['spec', 'delivery', 'deadLetter', 'topic'], what: 'dead letters' },
    { at: ['spec', 'reply', 'topic'], what: 'replies' },
  ].map(({ at, what }) => {
    const topic = valueAt(declared, at);
    if (typeof topic !== 'string' || !reads(declared, topic)) return undefined;
    const message = `must be no topic that the trigger reads, is ${show(topic)}`;
    return invalid(at, 'value', `${message}: its ${what} would go round for ever`, 'Write another topic.');
  });
}

function reads(declared: unknown, topic: string): boolean {
  const topics = valueAt(declared, ['spec', 'source', 'topics']);
  if (Array.isArray(topics) && topics.includes(topic)) return true;
  const pattern = valueAt(declared, ['spec', 'source', 'topicPattern']);
  return typeof pattern === 'string' && compileTopicPattern(pattern)?.test(topic) === true;
}
