import t from 'tap';
import { attributeOf, type CloudEvent } from '../../../core/contract/event.ts';

const event: CloudEvent = {
  id: 'partition:0/offset:7',
  source: '/kafka/main/orders',
  type: 'order.placed',
  subject: 'order-1',
  time: '2026-01-31T12:00:00Z',
  datacontenttype: 'application/json',
  dataschema: 'urn:order',
  extensions: { kafkaoffset: 7, kafkatopic: 'orders' },
  data: null,
};

for (const [name, value] of [
  ['id', 'partition:0/offset:7'],
  ['source', '/kafka/main/orders'],
  ['type', 'order.placed'],
  ['specversion', '1.0'],
  ['subject', 'order-1'],
  ['time', '2026-01-31T12:00:00Z'],
  ['datacontenttype', 'application/json'],
  ['dataschema', 'urn:order'],
  ['kafkaoffset', 7],
  ['kafkatopic', 'orders'],
  ['data', undefined],
  ['missing', undefined],
  ['toString', undefined],
] as const) {
  t.test(`the attribute ${name}`, async (t) => t.equal(attributeOf(event, name), value));
}
