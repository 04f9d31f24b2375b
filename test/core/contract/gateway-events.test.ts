import t from 'tap';
import { GatewayEmitter } from '../../../core/contract/gateway-events.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

const subscription = subscriptionOf('quake-alerts');

t.test('a listener that throws keeps the event from no other, nor from who emits it', (t) => {
  const failures: unknown[] = [];
  const heard: string[] = [];
  const events = new GatewayEmitter((error, event) => failures.push([event, String(error)]));
  events.on('released', () => {
    throw new Error('no space left');
  });
  events.on('released', ({ key }) => heard.push(key));
  t.equal(events.emit('released', subscription), true);
  t.strictSame(heard, ['geo/quake-alerts']);
  t.strictSame(failures, [['released', 'Error: no space left']]);
  t.end();
});

t.test('by default nobody is told', (t) => {
  const events = new GatewayEmitter();
  t.equal(events.emit('ended', subscription), false);
  events.once('ended', () => {
    throw new Error('no space left');
  });
  t.equal(events.emit('ended', subscription), true);
  t.equal(events.emit('ended', subscription), false, 'it listened once');
  t.end();
});
