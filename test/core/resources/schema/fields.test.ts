import { Ajv } from 'ajv';
import t from 'tap';
import {
  clusterFieldTable,
  computedDefault,
  defaultNamespace,
  expectation,
  fieldTable,
  type FieldSchema,
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
    'spec.scale.behavior.scaleUp.policies[].type',
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

t.test('every text, list, number and mapping of free names has a bound', async (t) => {
  const { $defs, properties } = triggerSchema as unknown as FieldSchema & { $defs: { filter: FieldSchema } };
  const filters = Object.entries($defs.filter.properties ?? {}).map(([path, schema]) => ({ path, schema }));
  const metadata = Object.entries(properties?.metadata?.properties ?? {})
    .filter(([name]) => name === 'labels')
    .map(([path, schema]) => ({ path, schema }));
  for (const { path, schema } of [...fieldTable, ...clusterFieldTable, ...filters, ...metadata])
    t.ok(isBounded(schema), path);
});

function isBounded(schema: FieldSchema): boolean {
  const { type, items, additionalProperties, properties } = schema;
  return [type].flat().every((one) => {
    switch (one) {
      case 'string':
        return schema.maxLength !== undefined;
      case 'integer':
        return schema.minimum !== undefined && schema.maximum !== undefined;
      case 'array':
        return schema.maxItems !== undefined && (items === undefined || isBounded(items));
      case 'object':
        if (typeof additionalProperties === 'object') return isBounded(additionalProperties);
        return Object.values(properties ?? {}).every(isBounded);
      default:
        return true;
    }
  });
}

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
  [{ type: 'string', maxLength: 9 }, 'a string of 0 to 9 characters'],
  [{ type: 'string', minLength: 1, maxLength: 9 }, 'a string of 1 to 9 characters'],
  [{ type: 'array' }, 'a list'],
  [{ type: 'object' }, 'a mapping'],
] as const) {
  t.test(`the schema ${JSON.stringify(schema)}`, async (t) => t.equal(expectation(schema), expected));
}
