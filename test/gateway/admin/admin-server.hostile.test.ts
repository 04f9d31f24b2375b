// Hostile input on the admin port, over real sockets: the server stays up, only its own answers come back, and only a well-formed request
// skips a record.
import t from 'tap';
import { sendHostile } from '../../fixtures/access/send-hostile.ts';
import { startGatewayAdmin } from '../../fixtures/access/started-servers.ts';
import type { HostileRoute } from '../../fixtures/access/hostile-request.ts';

const place = (number: number) => ({ topic: 'quakes', partition: 3, offset: String(number) });
const route: HostileRoute = {
  path: '/v1/triggers/geo/alerts/skip',
  body: place,
  wrongBodies: (number) => [
    { ...place(number), offset: number },
    { ...place(number), offset: `-${number}` },
    { ...place(number), offset: `${number}e0` },
    { ...place(number), offset: [String(number)] },
    { ...place(number), partition: '3' },
    { ...place(number), partition: 3.5 },
    { ...place(number), partition: null },
    { ...place(number), deadLetter: 'false' },
    { ...place(number), reason: 'x'.repeat(501) },
    { ...place(number), more: 1 },
    [place(number)],
  ],
};

t.test('hostile requests', (t) =>
  sendHostile(t, { name: 'gateway-port', open: startGatewayAdmin, route, honest: 200 }),
);
