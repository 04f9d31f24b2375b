import t from 'tap';
import {
  apiVersion,
  triggerSchema,
  type FilledTrigger,
  type Trigger,
} from '../../../../core/resources/schema/trigger-schema.ts';
import { validateTrigger } from '../../../../core/resources/validation/validate-trigger.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';
import { minimalTrigger, mistakesIn } from '../minimal-trigger.ts';

t.test(
  'whatever has a default may be absent in the declared type, and is there in the filled one',
  async (t) => {
    const declared: Trigger = {
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'Trigger',
      metadata: { name: 'mailer' },
      spec: { source: { topics: ['orders'] }, function: { ref: { name: 'mailer' } } },
    };
    const verdict = validateTrigger(declared, triggerWording);
    if (verdict.kind === 'wrong') throw new Error('the smallest trigger is right');
    const filled: FilledTrigger = verdict.trigger;
    const port: number = filled.spec.function.port;
    t.equal(port, 8080);
    t.equal(filled.metadata.namespace, 'default');
    t.equal(filled.spec.suspend, false);
    t.equal(filled.spec.function.path, '/');
    t.equal(filled.spec.function.contentMode, 'binary');
    t.equal(filled.spec.function.concurrency, 8);
    t.strictSame(filled.spec.function.adaptiveConcurrency, { min: 1, max: 100 });
    t.strictSame(filled.spec.function.batch, { maxEvents: 100, maxBytes: '1Mi', maxWait: 'PT0.05S' });
    t.strictSame(filled.spec.function.ref, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mailer' });
    t.strictSame(filled.spec.filters, []);
    t.strictSame(filled.spec.transform, []);
    t.strictSame(declared, minimalTrigger(), 'what was declared stays as it was');
  },
);

t.test('a Trigger as the API server prints it is right', async (t) => {
  t.strictSame(
    mistakesIn({
      'metadata.creationTimestamp': null,
      'metadata.generation': 2,
      'metadata.labels': { app: 'mailer' },
      'metadata.managedFields': [],
      'metadata.annotations': { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      'metadata.resourceVersion': '1',
      'metadata.uid': 'a',
      status: { observedGeneration: 1 },
    }),
    [],
  );
  t.equal(triggerSchema.properties.apiVersion.const, apiVersion);
});

for (const [path, value] of [
  ['spec.suspend', true],
  ['spec.transform', []],
  ['spec.function.ref', { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'mailer' }],
  ['spec.function.port', 65_535],
  ['spec.function.path', '/a/b?c=d'],
  ['spec.function.contentMode', 'structured'],
  ['spec.function.concurrency', 1],
  ['spec.function.concurrency', 'adaptive'],
  ['metadata.namespace', 'geo'],
] as const) {
  t.test(`${path} may be ${JSON.stringify(value)}`, async (t) =>
    t.strictSame(mistakesIn({ [path]: value }), []),
  );
}

for (const [path, value] of [
  ['apiVersion', 'v1'],
  ['kind', 'trigger'],
  ['metadata.name', 'Mailer'],
  ['metadata.namespace', 'a.b'],
  ['metadata.annotations', []],
  ['metadata.nmae', 'a'],
  ['spec.suspend', 'yes'],
  ['spec.transform', [{ cel: 'x' }]],
  ['spec.function.ref', {}],
  ['spec.function.ref.kind', 'deployment'],
  ['spec.function.port', 0],
  ['spec.function.port', 65_536],
  ['spec.function.path', 'a'],
  ['spec.function.path', '/a b'],
  ['spec.function.concurrency', 'auto'],
  ['spec.function.concurrency', '8'],
  ['spec.function.concurrency', 0],
  ['spec.function.concurrency', 1.5],
  ['spec.nothing', 1],
  ['nothing', 1],
] as const) {
  t.test(`${path} may not be ${JSON.stringify(value)}`, async (t) => {
    const mistakes = mistakesIn({ [path]: value });
    t.equal(mistakes.length, 1, mistakes.join('\n'));
    t.ok(mistakes[0]?.startsWith(path));
  });
}

t.test('a size may be a number', async (t) => {
  const batched = (maxBytes: unknown) =>
    mistakesIn({ 'spec.function.contentMode': 'batched', 'spec.function.batch.maxBytes': maxBytes });
  t.strictSame(batched(1_048_576), []);
  t.strictSame(batched('512Ki'), []);
  t.equal(batched(0).length, 1);
  t.equal(batched('0').length, 1);
  t.equal(batched('1MB').length, 1);
});

t.test('the bounds of a concurrency that is learned', async (t) => {
  const learned = (min: unknown, max: unknown) =>
    mistakesIn({
      'spec.function.concurrency': 'adaptive',
      'spec.function.adaptiveConcurrency': { min, max },
    });
  t.strictSame(learned(1, 1_000), []);
  t.strictSame(learned(5, 5), []);
  t.equal(learned(0, 10).length, 1);
  t.equal(learned(1, 1_001).length, 1);
  t.equal(learned('1', 10).length, 1);
});
