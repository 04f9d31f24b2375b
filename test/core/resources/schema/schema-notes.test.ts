import t from 'tap';
import {
  mapping,
  maxInt32,
  text,
  whole,
  withDefault,
} from '../../../../core/resources/schema/schema-notes.ts';

t.test('fields are declared as JSON Schema with notes', async (t) => {
  const schema = mapping(
    { description: 'All of it.' },
    {
      name: text({ minLength: 1, maxLength: 9 }),
      retry: withDefault(10, whole(-1, { annotation: 'retry' })),
      topic: text({ format: 'topic-name' }),
    },
  );
  t.strictSame(JSON.parse(JSON.stringify(schema)), {
    type: 'object',
    description: 'All of it.',
    required: ['name', 'topic'],
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 9 },
      retry: { type: 'integer', minimum: -1, maximum: maxInt32, annotation: 'retry', default: 10 },
      topic: { type: 'string', format: 'topic-name', maxLength: 249 },
    },
    additionalProperties: false,
  });
});

t.test('a default leaves the schema it is given for as it was', async (t) => {
  const schema = text({ maxLength: 9 });
  withDefault('a', schema);
  t.strictSame(JSON.parse(JSON.stringify(schema)), { type: 'string', maxLength: 9 });
});
