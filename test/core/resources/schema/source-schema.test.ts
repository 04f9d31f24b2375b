import t from 'tap';
import { eventSchema, sourceSchema } from '../../../../core/resources/schema/source-schema.ts';
import { mistakesIn } from '../minimal-trigger.ts';

t.test('the defaults are those of the design', async (t) => {
  t.equal(sourceSchema.properties.cluster.default, 'main');
  t.equal(sourceSchema.properties.initialOffset.default, 'latest');
  t.equal(eventSchema.properties.type.default, 'dev.millrace.record');
  t.equal(eventSchema.properties.dialect.default, 'millrace');
});

for (const [path, value] of [
  ['spec.source.cluster', 'main'],
  ['spec.source.topics', ['orders', 'payments.v1', '_internal']],
  ['spec.source.consumerGroup', 'my group'],
  ['spec.source.consumerGroup', 'g'],
  ['spec.source.initialOffset', 'earliest'],
  ['spec.source.initialOffset', '2026-01-31T12:00:00+01:00'],
  ['spec.event', {}],
  ['spec.event.type', 'com.example.order'],
  ['spec.event.source', 'urn:orders'],
  ['spec.event.dialect', 'knative'],
] as const) {
  t.test(`${path} may be ${JSON.stringify(value)}`, async (t) =>
    t.strictSame(mistakesIn({ [path]: value }), []),
  );
}

for (const [path, value] of [
  ['spec.source', null],
  ['spec.source.cluster', 'Other'],
  ['spec.source.topics', []],
  ['spec.source.topics', [1]],
  ['spec.source.topics', ['a b']],
  ['spec.source.topics', ['orders', 'orders']],
  ['spec.source.consumerGroup', ''],
  ['spec.source.consumerGroup', ' g'],
  ['spec.source.consumerGroup', 'g\n'],
  ['spec.source.initialOffset', 'first'],
  ['spec.event', []],
  ['spec.event.type', ''],
  ['spec.event.source', ''],
  ['spec.event.source', 'a b'],
  ['spec.event.dialect', 'kafka'],
] as const) {
  t.test(`${path} may not be ${JSON.stringify(value)}`, async (t) => {
    const mistakes = mistakesIn({ [path]: value });
    t.equal(mistakes.length, 1, mistakes.join('\n'));
    t.ok(mistakes[0]?.startsWith(path));
  });
}
