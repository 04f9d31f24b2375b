import t from 'tap';
import type { AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { signOf, type Sign } from '../../../gateway/delivery/endpoint-sign.ts';

const answered = (status: number): AttemptResult => ({
  kind: 'answered',
  status,
  headers: {},
  body: undefined,
});

const statusesBySign: Record<Exclude<Sign, 'none'>, number[]> = {
  served: [200, 202, 204, 299],
  answered: [301, 400, 404, 408, 409, 410, 425, 500, 501, 505, 599],
  busy: [429],
  failing: [502, 503, 504],
};
for (const [sign, statuses] of Object.entries(statusesBySign)) {
  t.test(`${statuses.join(', ')}: ${sign}`, async (t) => {
    for (const status of statuses) t.equal(signOf(answered(status)), sign, String(status));
  });
}

t.test('no answer is a failure, where anything was sent', async (t) => {
  t.equal(signOf({ kind: 'failed', reason: 'no whole answer within 10 ms' }), 'failing');
  t.equal(signOf({ kind: 'unreachable', reason: 'ECONNREFUSED' }), 'none');
});
