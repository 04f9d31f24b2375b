import { Type } from 'typebox';
import t from 'tap';
import { metadataSchema } from '../../../../core/resources/schema/metadata-schema.ts';

t.test('metadata has a name, and takes annotations of anybody', async (t) => {
  const schema = metadataSchema('main', { ours: Type.String() }, { ours: 'a' });
  t.strictSame(schema.required, ['name']);
  t.match(schema.properties.annotations, { additionalProperties: true, example: { ours: 'a' } });
  t.match(metadataSchema('main', {}).properties.annotations, { example: {} });
});
