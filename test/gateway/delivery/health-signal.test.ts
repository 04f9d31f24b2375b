import t from 'tap';
import type { AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { healthSignalOf, type HealthSignal } from '../../../gateway/delivery/health-signal.ts';

const answered = (status: number): AttemptResult => ({
  kind: 'answered',
  status,
  headers: {},
  body: undefined,
});

const statusesBySign: Record<Exclude<HealthSignal, 'none'>, number[]> = {
  served: [200, 202, 204, 299],
  answered: [301, 400, 404, 408, 409, 410, 425, 500, 501, 505, 599],
  busy: [429],
  failing: [502, 503, 504],
};
for (const [sign, statuses] of Object.entries(statusesBySign)) {
  t.test(`${statuses.join(', ')}: ${sign}`, async (t) => {
    for (const status of statuses) t.equal(healthSignalOf(answered(status)), sign, String(status));
  });
}

t.test('no answer is a failure, where anything was sent', async (t) => {
  t.equal(healthSignalOf({ kind: 'failed', reason: 'no whole answer within 10 ms' }), 'failing');
  t.equal(healthSignalOf({ kind: 'unreachable', reason: 'ECONNREFUSED' }), 'none');
});
