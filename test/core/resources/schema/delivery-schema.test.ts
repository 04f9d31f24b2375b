import t from 'tap';
import { deliverySchema, replySchema } from '../../../../core/resources/schema/delivery-schema.ts';
import { mistakesIn } from '../minimal-trigger.ts';

t.test('the defaults are those of the design', async (t) => {
  const { properties: delivery } = deliverySchema;
  t.equal(delivery.ordering.default, 'partition');
  t.equal(delivery.timeout.default, 'PT30S');
  t.equal(delivery.retry.default, 10);
  t.equal(delivery.backoffPolicy.default, 'exponential');
  t.equal(delivery.backoffDelay.default, 'PT0.3S');
  t.equal(delivery.backoffMax.default, 'PT60S');
  t.equal(delivery.retryAfterMax.default, 'PT5M');
  t.equal(delivery.maxParkedKeys.default, 1_000);
  t.notHas(delivery.maxAge, { default: 'any' });
  t.equal(replySchema.properties.transactional.default, false);
});

for (const [path, value] of [
  ['spec.delivery.ordering', 'key'],
  ['spec.delivery.ordering', 'none'],
  ['spec.delivery.timeout', 'PT0.001S'],
  ['spec.delivery.retry', -1],
  ['spec.delivery.retry', 0],
  ['spec.delivery.backoffPolicy', 'linear'],
  ['spec.delivery.backoffDelay', 'PT0S'],
  ['spec.delivery.retryAfterMax', 'PT0S'],
  ['spec.delivery.maxAge', 'P365D'],
  ['spec.delivery.deadLetter', { topic: 'orders.dead' }],
  ['spec.delivery.rateLimit', { eventsPerSecond: 1 }],
  ['spec.delivery.rateLimit', { eventsPerSecond: 100, burst: 1 }],
  ['spec.reply', { topic: 'notices', transactional: false }],
  ['spec.reply', { topic: 'notices', transactional: true }],
] as const) {
  t.test(`${path} may be ${JSON.stringify(value)}`, async (t) =>
    t.strictSame(mistakesIn({ [path]: value }), []),
  );
}

for (const [path, value] of [
  ['spec.delivery', null],
  ['spec.delivery.ordering', 'topic'],
  ['spec.delivery.timeout', 'PT0S'],
  ['spec.delivery.timeout', 30],
  ['spec.delivery.maxParkedKeys', 0],
  ['spec.delivery.retry', -2],
  ['spec.delivery.retry', '10'],
  ['spec.delivery.retry', 1.5],
  ['spec.delivery.retry', Infinity],
  ['spec.delivery.backoffPolicy', 'constant'],
  ['spec.delivery.backoffMax', 'P25D'],
  ['spec.delivery.maxAge', 'P1M'],
  ['spec.delivery.deadLetter', null],
  ['spec.delivery.deadLetter.topic', '..'],
  ['spec.delivery.rateLimit', {}],
  ['spec.delivery.rateLimit', { burst: 5 }],
  ['spec.delivery.rateLimit', { eventsPerSecond: 0 }],
  ['spec.delivery.rateLimit', { eventsPerSecond: 0.5 }],
  ['spec.delivery.rateLimit', { eventsPerSecond: 5, burst: 0 }],
  ['spec.reply', {}],
] as const) {
  t.test(`${path} may not be ${JSON.stringify(value)}`, async (t) => {
    const mistakes = mistakesIn({ [path]: value });
    t.equal(mistakes.length, 1, mistakes.join('\n'));
    t.ok(mistakes[0]?.startsWith(path));
  });
}
