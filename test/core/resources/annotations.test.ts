import fc from 'fast-check';
import t from 'tap';
import {
  annotatedPath,
  annotationPath,
  annotationsOf,
  annotationTable,
  annotationWording,
  declareByAnnotations,
  hasOptedIn,
  notAString,
  topicsAnnotation,
  unknownAnnotation,
} from '../../../core/resources/annotations.ts';
import { fieldTable } from '../../../core/resources/schema/fields.ts';
import { valueAt } from '../../../core/contract/path.ts';

const deployment = (annotations: unknown, metadata: object = { name: 'mailer' }) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...metadata, annotations },
});

t.test('the annotations are those of the design, and each is a field', async (t) => {
  const names =
    'topics cluster consumer-group initial-offset port path content-mode concurrency filter ordering retry ' +
    'backoff-policy backoff-delay timeout dead-letter-topic reply-topic min-replicas max-replicas lag-threshold ' +
    'polling-interval cooldown-period suspend dev-command';
  t.strictSame(
    annotationTable.map(({ key }) => key).sort(),
    names
      .split(' ')
      .map((name) => `millrace.dev/${name}`)
      .sort(),
  );
  for (const { field } of annotationTable) t.ok(fieldTable.includes(field), field.path);
});

t.test('only the annotations of Millrace count', async (t) => {
  t.strictSame(annotationsOf(deployment({ 'millrace.dev/a': 1, 'other.dev/b': 2, topics: 3 })), [
    ['millrace.dev/a', 1],
  ]);
  for (const none of [undefined, null, [], 'a', deployment(null), deployment([]), deployment('a')]) {
    t.strictSame(annotationsOf(none), []);
  }
});

t.test('of unknown annotations the first hundred count, and those that are known always', async (t) => {
  const unknown = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`millrace.dev/a${index}`, 'b']),
  );
  const all = annotationsOf(deployment({ ...unknown, 'millrace.dev/topics': 'orders' }));
  t.equal(all.length, 101);
  t.strictSame(all.at(-1), ['millrace.dev/topics', 'orders']);
});

t.test('a Deployment opts in by its topics, whatever they are', async (t) => {
  t.ok(hasOptedIn(deployment({ 'millrace.dev/topics': '' })));
  t.notOk(hasOptedIn(deployment({ 'millrace.dev/retry': '3' })));
  t.notOk(hasOptedIn(undefined));
});

t.test('annotations declare a Trigger of the Deployment’s name', async (t) => {
  const { declared, mistakes } = declareByAnnotations(
    deployment(
      {
        'millrace.dev/topics': 'orders, payments',
        'millrace.dev/port': '3000',
        'millrace.dev/retry': '-1',
        'millrace.dev/suspend': 'true',
        'millrace.dev/dead-letter-topic': 'orders.dead',
        'millrace.dev/filter': "type = 'a'",
        'millrace.dev/dev-command': 'node server.js',
        'other.dev/retry': '3',
      },
      { name: 'mailer', namespace: 'shop' },
    ),
  );
  t.strictSame(mistakes, []);
  t.strictSame(declared, {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Trigger',
    metadata: {
      name: 'mailer',
      namespace: 'shop',
      annotations: { 'millrace.dev/dev-command': 'node server.js' },
    },
    spec: {
      source: { topics: ['orders', 'payments'] },
      filters: [{ cesql: "type = 'a'" }],
      function: { ref: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mailer' }, port: 3000 },
      delivery: { retry: -1, deadLetter: { topic: 'orders.dead' } },
      suspend: true,
    },
  });
});

for (const [key, value, path, converted] of [
  ['retry', 'ten', 'spec.delivery.retry', 'ten'],
  ['retry', '1e3', 'spec.delivery.retry', '1e3'],
  ['retry', '', 'spec.delivery.retry', ''],
  ['suspend', 'false', 'spec.suspend', false],
  ['suspend', 'yes', 'spec.suspend', 'yes'],
  ['topics', '', 'spec.source.topics', []],
  ['topics', 'a,,b', 'spec.source.topics', ['a', '', 'b']],
  ['concurrency', '16', 'spec.function.concurrency', 16],
  ['concurrency', 'adaptive', 'spec.function.concurrency', 'adaptive'],
] as const) {
  t.test(`${key}: "${value}"`, async (t) => {
    const { declared } = declareByAnnotations(deployment({ [`millrace.dev/${key}`]: value }));
    t.strictSame(valueAt(declared, path.split('.')), converted);
  });
}

t.test('a Deployment without a name declares a Trigger without one', async (t) => {
  const { declared } = declareByAnnotations({});
  t.strictSame(valueAt(declared, ['metadata']), {});
});

for (const [key, value, message, remedy] of [
  [
    'millrace.dev/port',
    8080,
    'must be a string, as all annotations are, is 8080',
    'Write it in quotes: `millrace.dev/port: "8080"`.',
  ],
  [
    'millrace.dev/suspend',
    true,
    'must be a string, as all annotations are, is true',
    'Write it in quotes: `millrace.dev/suspend: "true"`.',
  ],
  [
    'millrace.dev/topics',
    ['a'],
    'must be a string, as all annotations are, is a list',
    'Write a string: `millrace.dev/topics: "orders"`.',
  ],
  [
    'millrace.dev/retry',
    null,
    'must be a string, as all annotations are, is empty',
    'Write a string: `millrace.dev/retry: "10"`.',
  ],
] as const) {
  t.test(`${key}: ${JSON.stringify(value)}`, async (t) => {
    const { mistakes } = declareByAnnotations(deployment({ [key]: value }));
    t.match(mistakes, [{ at: ['metadata', 'annotations', key], message, remedy }]);
    t.strictSame(mistakes, [notAString(key, value)]);
  });
}

for (const [key, remedy] of [
  ['millrace.dev/retries', 'Did you mean `millrace.dev/retry`?'],
  ['millrace.dev/topic', 'Did you mean `millrace.dev/topics`?'],
  ['millrace.dev/deadLetterTopic', 'Did you mean `millrace.dev/dead-letter-topic`?'],
  ['millrace.dev/', 'docs/reference/annotations.md lists them.'],
  ['millrace.dev/xyzzy', 'docs/reference/annotations.md lists them.'],
] as const) {
  t.test(`${key} is unknown`, async (t) => {
    t.match(unknownAnnotation(key), { message: 'is not an annotation of Millrace', on: 'key', remedy });
    t.strictSame(declareByAnnotations(deployment({ [key]: 'a' })).mistakes, [unknownAnnotation(key)]);
  });
}

t.test('a field is reported at the annotation that means it, or something in it', async (t) => {
  for (const [path, place] of [
    [['spec', 'delivery', 'retry'], annotationPath('millrace.dev/retry')],
    [['spec', 'source', 'topics', 2], annotationPath(topicsAnnotation)],
    [['spec', 'source'], annotationPath(topicsAnnotation)],
    [['spec', 'filters', 0, 'cesql'], annotationPath('millrace.dev/filter')],
    [
      ['spec', 'function', 'ref', 'name'],
      ['metadata', 'name'],
    ],
    [
      ['metadata', 'namespace'],
      ['metadata', 'namespace'],
    ],
    [annotationPath('millrace.dev/dev-command'), annotationPath('millrace.dev/dev-command')],
  ] as const) {
    t.strictSame(annotatedPath(path), place);
  }
});

t.test('fields are named and spelt as annotations, where there is one', async (t) => {
  t.equal(annotationWording.name(['spec', 'delivery', 'retry']), 'millrace.dev/retry');
  t.equal(annotationWording.name(['spec', 'delivery', 'backoffMax']), 'backoffMax');
  t.equal(annotationWording.example(['spec', 'delivery', 'retry'], 10), '`millrace.dev/retry: "10"`');
  t.equal(
    annotationWording.example(['spec', 'source', 'topics'], ['a', 'b']),
    '`millrace.dev/topics: "a, b"`',
  );
  t.equal(annotationWording.example(['metadata', 'name'], 'mailer'), '`name: mailer`');
});

t.test('whatever the annotations are, they declare something', async (t) => {
  const keys = fc.constantFrom(...annotationTable.map(({ key }) => key), 'millrace.dev/x', '__proto__');
  const annotations = fc.dictionary(keys, fc.oneof(fc.string(), fc.jsonValue()));
  fc.assert(
    fc.property(annotations, fc.jsonValue(), (values, name) => {
      const { declared, mistakes } = declareByAnnotations(deployment(values, { name }));
      t.equal(valueAt(declared, ['kind']), 'Trigger');
      for (const { at } of mistakes) t.equal(at.length, 3);
    }),
  );
});
