import { Ajv } from 'ajv';
import { Type } from 'typebox';
import t from 'tap';
import { metadataSchema } from '../../../../core/resources/schema/metadata-schema.ts';
import { formats } from '../../../../core/resources/schema/formats.ts';
import { noteKeywords } from '../../../../core/resources/schema/schema-notes.ts';

const ajv = new Ajv({ strict: true });
for (const [name, { test }] of Object.entries(formats)) ajv.addFormat(name, test);
ajv.addVocabulary([...noteKeywords]);
const schema = metadataSchema('main', { ours: Type.Optional(Type.String()) }, { ours: 'a' });
const isRight = ajv.compile(schema);

t.test('metadata has a name, and takes annotations of anybody', async (t) => {
  t.strictSame(schema.required, ['name']);
  t.match(schema.properties.annotations, { example: { ours: 'a' } });
  t.match(metadataSchema('main', {}).properties.annotations, { example: {} });
  t.ok(isRight({ name: 'a', annotations: { 'Anybody.example/Their_name': 'any text\n' } }));
});

const [long, longPrefix] = ['x'.repeat(64), `${'x'.repeat(254)}/a`];
t.test('labels and annotations are as the API server takes them', async (t) => {
  for (const labels of [{}, { app: 'a' }, { 'example.com/app': '' }, { a: 'A.b_c-1' }])
    t.ok(isRight({ name: 'a', labels }), JSON.stringify(labels));
  for (const labels of [{ '': 'a' }, { '-a': 'b' }, { 'A.b/c': 'd' }, { [long]: 'a' }, { [longPrefix]: 'a' }])
    t.notOk(isRight({ name: 'a', labels }), JSON.stringify(labels));
  for (const value of ['a b', 'a/b', '-a', long, 1, null])
    t.notOk(isRight({ name: 'a', labels: { app: value } }), String(value));
  for (const annotations of [{ 'a b': 'c' }, { a: 1 }, { [longPrefix]: 'a' }])
    t.notOk(isRight({ name: 'a', annotations }), JSON.stringify(annotations));
});
