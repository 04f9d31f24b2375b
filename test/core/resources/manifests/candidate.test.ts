import t from 'tap';
import {
  findDuplicates,
  findStrayAnnotations,
  validateManifest,
  refersTo,
  type Candidate,
} from '../../../../core/resources/manifests/candidate.ts';
import type { CheckExpression } from '../../../../core/contract/expressions.ts';
import { openManifest, type Manifest } from '../../../../core/resources/manifests/open-manifest.ts';
import { pathText } from '../../../../core/contract/path.ts';
import type { Mistake } from '../../../../core/contract/manifest-problem.ts';
import { triggerWith } from '../minimal-trigger.ts';

function manifestOf(value: unknown): Manifest {
  const locate = () => ({ line: 7, column: 1 });
  const [manifest] = openManifest({ file: 'a.yaml', value, locate });
  if (manifest === undefined) throw new Error('the manifest must be one of Millrace');
  return manifest;
}

const check: CheckExpression = (_dialect, expression) =>
  expression.startsWith('?') ? { message: 'nobody knows', at: 0 } : undefined;

function candidateOf(value: unknown): Candidate {
  const candidate = validateManifest(manifestOf(value), check);
  if (candidate === undefined) throw new Error('it must be a candidate');
  return candidate;
}

function deployment(annotations: unknown, metadata: object = { name: 'mailer' }) {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { ...metadata, annotations } };
}

const told = (mistakes: readonly Mistake[]) =>
  mistakes.map(({ at, message, remedy }) => `${pathText(at)}: ${message}. ${remedy}`);

t.test('a manifest of another kind, or that has not opted in, is no candidate', async (t) => {
  t.equal(validateManifest(manifestOf(deployment({ 'millrace.dev/dev-command': 'a' })), check), undefined);
  t.equal(validateManifest(manifestOf({ apiVersion: 'millrace.dev/v1', kind: 'X' }), check), undefined);
});

t.test('a Trigger is validated where it stands', async (t) => {
  const right = candidateOf(triggerWith({}));
  t.match(right, { trigger: { metadata: { name: 'mailer' } }, mistakes: [] });
  t.strictSame(right.place(['spec']), ['spec']);
  const wrong = candidateOf(triggerWith({ 'spec.delivery.retry': 'ten' }));
  t.equal(wrong.trigger, undefined);
  t.equal(wrong.mistakes.length, 1);
});

t.test('expressions are validated where they stand, unless they are wrong already', (t) => {
  const filters = [{ cel: '?' }, { all: [{ cesql: '?a' }] }, { cel: '' }, { cesql: 'right' }];
  const wrong = candidateOf(triggerWith({ 'spec.filters': filters }));
  t.equal(wrong.trigger, undefined);
  t.strictSame(
    wrong.mistakes.map(({ at }) => pathText(at)),
    ['spec.filters[2].cel', 'spec.filters[0].cel', 'spec.filters[1].all[0].cesql'],
  );
  const annotated = candidateOf(deployment({ 'millrace.dev/topics': 'a', 'millrace.dev/filter': '?' }));
  t.match(told(annotated.mistakes), [
    /^metadata.annotations\["millrace.dev\/filter"\]: is not valid CloudEvents SQL: nobody knows/,
  ]);
  const empty = candidateOf(deployment({ 'millrace.dev/topics': 'a', 'millrace.dev/filter': '' }));
  t.equal(empty.mistakes.length, 1);
  t.end();
});

t.test('a Trigger has fields, not annotations, but for one', async (t) => {
  const annotations = {
    'millrace.dev/dev-command': 'node server.js',
    'millrace.dev/retry': '3',
    'millrace.dev/retires': '3',
    'other.dev/a': 'b',
  };
  t.strictSame(told(candidateOf(triggerWith({ 'metadata.annotations': annotations })).mistakes), [
    'metadata.annotations["millrace.dev/retry"]: is for Deployments. In a Trigger, write spec.delivery.retry.',
    'metadata.annotations["millrace.dev/retires"]: is not an annotation of Millrace. Did you mean `millrace.dev/retry`?',
  ]);
});

t.test('annotations are validated where they stand, each once', async (t) => {
  const { mistakes, trigger, place } = candidateOf(
    deployment({
      'millrace.dev/topics': ['orders'],
      'millrace.dev/port': 8080,
      'millrace.dev/retry': 'ten',
      'millrace.dev/filter': '?',
      'millrace.dev/min-replicas': '11',
      'millrace.dev/suspend': 'yes',
      'millrace.dev/topic': 'a',
    }),
  );
  t.equal(trigger, undefined);
  t.strictSame(place(['spec', 'delivery', 'retry']), ['metadata', 'annotations', 'millrace.dev/retry']);
  t.strictSame(
    told(mistakes).sort(),
    [
      'metadata.annotations["millrace.dev/topics"]: must be a string, as all annotations are, is a list. Write a string: `millrace.dev/topics: "orders"`.',
      'metadata.annotations["millrace.dev/port"]: must be a string, as all annotations are, is 8080. Write it in quotes: `millrace.dev/port: "8080"`.',
      'metadata.annotations["millrace.dev/retry"]: must be a whole number of at least -1, is "ten". Write `millrace.dev/retry: "10"`, for example.',
      'metadata.annotations["millrace.dev/filter"]: is not valid CloudEvents SQL: nobody knows, at "?" (character 1). Correct it. `millrace try --cesql EXPR` shows what an expression gives for an event.',
      'metadata.annotations["millrace.dev/min-replicas"]: must not be above millrace.dev/max-replicas (10), is 11. Lower millrace.dev/min-replicas or raise millrace.dev/max-replicas.',
      'metadata.annotations["millrace.dev/suspend"]: must be true or false, is "yes". Write true or false: `millrace.dev/suspend: "true"`.',
      'metadata.annotations["millrace.dev/topic"]: is not an annotation of Millrace. Did you mean `millrace.dev/topics`?',
    ].sort(),
  );
  const nameless = candidateOf(deployment({ 'millrace.dev/topics': 'a' }, { name: 'No Name' }));
  t.match(told(nameless.mistakes), [/^metadata\.name: must be a DNS name/]);
  t.equal(nameless.mistakes.length, 1);
  t.match(candidateOf(deployment({ 'millrace.dev/topics': 'a' })), { trigger: { spec: {} }, mistakes: [] });
});

t.test('of two of one name, or of one group, the later is refused', async (t) => {
  const first = candidateOf(triggerWith({}));
  const sameName = candidateOf(deployment({ 'millrace.dev/topics': 'a' }));
  const elsewhere = candidateOf(triggerWith({ 'metadata.namespace': 'geo' }));
  const sameGroup = candidateOf(
    triggerWith({
      'metadata.name': 'other',
      'spec.source.consumerGroup': 'millrace.geo.mailer',
      'spec.nothing': 1,
    }),
  );
  const annotated = candidateOf(
    deployment(
      { 'millrace.dev/topics': 'a', 'millrace.dev/consumer-group': 'millrace.geo.mailer' },
      { name: 'third' },
    ),
  );
  const nameless = [1, 2].map(() => candidateOf(triggerWith({ 'metadata.name': 7 })));
  const strange = candidateOf(
    triggerWith({ 'metadata.name': 'fourth', 'spec.source.consumerGroup': { toString: 1 } }),
  );
  const duplicates = findDuplicates([first, sameName, elsewhere, sameGroup, annotated, ...nameless, strange]);
  t.strictSame([...duplicates.keys()], [sameName, sameGroup, annotated]);
  t.strictSame(told([...duplicates.values()]), [
    'metadata.name: is taken in namespace default: a.yaml:7 declares mailer already. Write another name, or remove one of the two.',
    'spec.source.consumerGroup: must belong to this trigger alone, but millrace.geo.mailer is the group of geo/mailer: each would take the other’s partitions. Leave it out, or write another group.',
    'metadata.annotations["millrace.dev/consumer-group"]: must belong to this trigger alone, but millrace.geo.mailer is the group of geo/mailer: each would take the other’s partitions. Leave it out, or write another group.',
  ]);
});

t.test('a Trigger refers to the Deployment of its namespace', async (t) => {
  const target = manifestOf(deployment({}));
  const explicit = manifestOf(deployment({}, { name: 'mailer', namespace: 'default' }));
  t.ok(refersTo(candidateOf(triggerWith({})), target));
  t.ok(refersTo(candidateOf(triggerWith({})), explicit));
  for (const [path, value] of [
    ['metadata.namespace', 'geo'],
    ['spec.function.ref.name', 'other'],
    ['spec.function.ref.kind', 'StatefulSet'],
    ['spec.function.ref.apiVersion', 'apps/v2'],
    ['spec.function.ref', undefined],
  ] as const) {
    t.notOk(refersTo(candidateOf(triggerWith({ [path]: value })), target), path);
  }
  t.notOk(
    refersTo(
      candidateOf(triggerWith({ 'spec.function.ref.name': undefined })),
      manifestOf(deployment({}, {})),
    ),
  );
});

t.test('annotations that nothing reads are reported', async (t) => {
  const nameless = candidateOf(triggerWith({ 'metadata.name': { toString: 1 } }));
  const stray = (annotations: unknown, candidates: readonly Candidate[] = []) =>
    told(findStrayAnnotations(manifestOf(deployment(annotations)), candidates));
  t.strictSame(stray({ 'millrace.dev/dev-command': 'node server.js' }), []);
  t.strictSame(stray({ 'millrace.dev/topics': 'a', 'millrace.dev/retry': 'b' }), [], 'it has opted in');
  t.strictSame(findStrayAnnotations(manifestOf(triggerWith({})), []), []);
  t.match(stray({ 'millrace.dev/dev-command': '' }), [
    /dev-command"\]: must be a string, as all annotations are, is empty\./,
  ]);
  t.match(stray({ 'millrace.dev/retry': '3' }, [nameless]), [/in the Trigger a mapping that refers/]);
  t.match(stray({ 'millrace.dev/dev-command': 7 }), [/is 7\. Write it in quotes/]);
  t.strictSame(stray({ 'millrace.dev/retry': '3', 'millrace.dev/topic': 'a' }), [
    'metadata.annotations["millrace.dev/retry"]: has no effect without millrace.dev/topics. Add `millrace.dev/topics`, or remove this annotation.',
    'metadata.annotations["millrace.dev/topic"]: is not an annotation of Millrace. Did you mean `millrace.dev/topics`?',
  ]);
  t.strictSame(
    stray({ 'millrace.dev/retry': '3' }, [candidateOf(triggerWith({ 'metadata.name': 'mine' }))]),
    [
      'metadata.annotations["millrace.dev/retry"]: has no effect without millrace.dev/topics. Write spec.delivery.retry in the Trigger "mine" that refers to this Deployment.',
    ],
  );
});

t.test('a group is one of its cluster, however the brokers of that are listed', async (t) => {
  const namespace = 'geo';
  const known = (name: string, ...brokers: string[]) => ({
    namespace,
    name,
    allowedNamespaces: [],
    access: { brokers, namespace },
  });
  const clusters = [known('pay', 'a:1', 'b:2'), known('same', 'b:2', 'a:1')];
  const reading = (name: string, cluster?: string) =>
    candidateOf(
      triggerWith({
        metadata: { name, namespace },
        'spec.source.consumerGroup': 'g',
        'spec.source.cluster': cluster,
      }),
    );
  const [own, pay, same] = [reading('own'), reading('pay', 'pay'), reading('same', 'same')];
  t.strictSame([...findDuplicates([own, pay, same], clusters).keys()], [same]);
});
