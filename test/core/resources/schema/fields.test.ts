import { Ajv } from 'ajv';
import t from 'tap';
import {
  computedDefault,
  defaultNamespace,
  expectation,
  fieldTable,
} from '../../../../core/resources/schema/fields.ts';
import { formats } from '../../../../core/resources/schema/formats.ts';
import { maxInt32, noteKeywords } from '../../../../core/resources/schema/schema-notes.ts';
import { triggerSchema } from '../../../../core/resources/schema/trigger-schema.ts';

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
for (const [name, { test }] of Object.entries(formats)) ajv.addFormat(name, test);
ajv.addVocabulary([...noteKeywords, 'notBuilt']);

t.test('every path stands once', async (t) => {
  const paths = fieldTable.map(({ path }) => path);
  t.strictSame(paths, [...new Set(paths)]);
  for (const path of [
    'metadata.name',
    'spec.delivery.retry',
    'spec.filters[].exact',
    'spec.scale.cooldownPeriod',
  ]) {
    t.ok(paths.includes(path), path);
  }
});

t.test('every default and every example is right by its own schema', async (t) => {
  const $defs = (triggerSchema as unknown as { $defs: unknown }).$defs;
  for (const { path, schema } of fieldTable) {
    const validate = ajv.compile({ ...schema, $defs });
    for (const value of [schema.default, schema.example]) {
      if (value !== undefined) t.ok(validate(structuredClone(value)), `${path}: ${JSON.stringify(value)}`);
    }
    // What a remedy shows.
    if (schema.type !== 'object' && schema.$ref === undefined)
      t.ok('default' in schema || 'example' in schema, path);
  }
});

t.test('every description is whole sentences, and every annotation is one field’s', async (t) => {
  for (const { path, description } of fieldTable) t.match(description, /^[A-Z`].*\.$/, path);
  const annotations = fieldTable.flatMap(({ annotation }) => annotation ?? []);
  t.strictSame(annotations, [...new Set(annotations)]);
});

t.test('computed defaults', async (t) => {
  t.equal(
    computedDefault('spec.source.consumerGroup', { namespace: 'geo', name: 'quakes' }),
    'millrace.geo.quakes',
  );
  t.equal(computedDefault('spec.event.source', { cluster: 'main', topic: '$&' }), '/kafka/main/$&');
  t.equal(computedDefault('spec.event.source', { topic: 'a' }), '/kafka/<cluster>/a');
  t.throws(() => computedDefault('spec.delivery.retry', {}), /spec.delivery.retry has no computed default/);
  t.throws(() => computedDefault('spec.nothing', {}), TypeError);
  t.equal(defaultNamespace, 'default');
});

for (const [schema, expected] of [
  [{ type: 'integer', expected: 'anything' }, 'anything'],
  [{ const: 'Trigger', type: 'string' }, 'Trigger'],
  [{ enum: ['a', 'b'] }, 'one of a, b'],
  [{ type: 'string', format: 'topic-name' }, formats['topic-name'].expected],
  [{ type: 'integer', minimum: -1, maximum: maxInt32 }, 'a whole number of at least -1'],
  [{ type: 'integer', minimum: 1, maximum: 65_535 }, 'a whole number from 1 to 65535'],
  [{ type: 'boolean' }, 'true or false'],
  [{ type: 'string' }, 'a string'],
  [{ type: 'string', minLength: 1 }, 'a string that is not empty'],
  [{ type: 'array' }, 'a list'],
  [{ type: 'object' }, 'a mapping'],
] as const) {
  t.test(`the schema ${JSON.stringify(schema)}`, async (t) => t.equal(expectation(schema), expected));
}
