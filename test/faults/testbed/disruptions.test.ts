// What disruptions of Kafka excuse, and what they do not.
import t from 'tap';
import { bounds } from '../bounds.ts';
import { exposuresOf, lastCommitMs, outagesOf, type Disruption } from './disruptions.ts';

const { commitMs, recoveryMs, sessionRiskMs } = bounds;
type Named = { name: string; instances: string[] };
const disruption = (fromMs: number, toMs: number, gateway?: string): Disruption => ({
  what: 'broker-kill',
  gateway,
  fromMs,
  toMs,
});

const [one, two] = ['gateway 1', 'gateway 2'].map((name) => ({
  name,
  instances: [`${name}, instance 1`],
})) as [Named, Named];

t.test('disruptions within the recovery time of each other count as one outage', async (t) => {
  const apart = [disruption(100_000, 101_000), disruption(0, 1_000)];
  t.strictSame(outagesOf(apart, 'gateway 1'), [
    { fromMs: 0, toMs: 1_000 },
    { fromMs: 100_000, toMs: 101_000 },
  ]);
  const close = [disruption(0, 1_000), disruption(1_000 + recoveryMs, 9_000), disruption(2_000, 2_100)];
  t.strictSame(outagesOf(close, 'gateway 1'), [{ fromMs: 0, toMs: 9_000 }]);
  t.strictSame(
    outagesOf([disruption(0, 1_000, 'gateway 2')], 'gateway 1'),
    [],
    "another gateway's disruption does not count",
  );
});

t.test('lastCommitMs is the last time at which a gateway could commit', async (t) => {
  t.equal(lastCommitMs([], 'gateway 1', 50_000), 50_000 - commitMs);
  const past = [disruption(10_000, 11_000)];
  t.equal(lastCommitMs(past, 'gateway 1', 10_500), 10_000 - commitMs);
  t.equal(lastCommitMs(past, 'gateway 1', 11_000 + recoveryMs), 10_000 - commitMs);
  t.equal(lastCommitMs(past, 'gateway 1', 11_001 + recoveryMs), 11_001 + recoveryMs - commitMs);
  t.equal(
    lastCommitMs([disruption(10_000, Infinity)], 'gateway 1', 90_000),
    10_000 - commitMs,
    'the disruption is not over',
  );
});

t.test(
  'disruptions excuse repeated writes, and repeated deliveries where another member may have got the partitions',
  async (t) => {
    const brief = [disruption(0, 1_000)];
    t.ok(exposuresOf(brief, [one, two]).every(({ lettersOnly }) => lettersOnly));
    const away = disruption(0, sessionRiskMs, 'gateway 2');
    t.ok(
      exposuresOf([away], [one, two]).every(({ lettersOnly }) => lettersOnly),
      'a broker restart cuts no member off',
    );
    const long = [{ ...away, cutsOff: true }];
    t.ok(
      exposuresOf(long, [two]).every(({ lettersOnly }) => lettersOnly),
      'nobody takes over from a single gateway',
    );
    const [absence, ...others] = exposuresOf(long, [one, two]).filter(
      ({ lettersOnly }) => lettersOnly !== true,
    );
    t.match(absence, { gateway: 'gateway 2, instance 1', fromMs: -commitMs });
    t.strictSame(others, []);
    const brokerBefore = disruption(-recoveryMs - 1_000, -1_000);
    const after = exposuresOf([brokerBefore, ...long], [one, two]).find(({ lettersOnly }) => !lettersOnly);
    t.match(after, { fromMs: brokerBefore.fromMs - commitMs }, 'nothing was committed in between');
  },
);
