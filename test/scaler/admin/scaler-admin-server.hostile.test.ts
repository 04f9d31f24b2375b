// Whatever comes in at the scaler's HTTP port, by real sockets: it stays up, its answers are its own, and only what is well-formed wakes.
import t from 'tap';
import { sendHostile, requestCount } from '../../fixtures/access/send-hostile.ts';
import { startScalerAdmin } from '../../fixtures/access/started-servers.ts';
import type { HostileRoute } from '../../fixtures/access/hostile-request.ts';

const named = (number: number) => ({ namespace: 'geo', name: String(number) });
const route: HostileRoute = {
  path: '/v1/activations',
  body: (number) => ({ triggers: [named(number)] }),
  wrongBodies: (number) => [
    { triggers: named(number) },
    { triggers: [{ namespace: 'geo', name: number }] },
    { triggers: [{ namespace: ['geo'], name: String(number) }] },
    { triggers: [[named(number)]] },
    { triggers: [] },
    { triggers: [{ name: String(number) }] },
    { triggers: [named(number), {}] },
    { triggers: Array.from({ length: 1_001 }, () => named(number)) },
    { trigger: [named(number)] },
    [named(number)],
  ],
};

t.test('hostile requests', (t) =>
  sendHostile(t, { name: 'scaler-port', open: () => startScalerAdmin(requestCount), route, honest: 204 }),
);
