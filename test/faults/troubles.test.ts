// What troubles with Kafka excuse, and what they do not.
import t from 'tap';
import { bounds } from './bounds.ts';
import { exposuresOf, lastCommitMs, outagesOf, type Trouble } from './troubles.ts';

const { commitMs, recoveryMs, sessionRiskMs } = bounds;
type Named = { name: string; lives: string[] };
const trouble = (fromMs: number, toMs: number, gateway?: string): Trouble => ({
  what: 'broker-kill',
  gateway,
  fromMs,
  toMs,
});

const [one, two] = ['gateway 1', 'gateway 2'].map((name) => ({ name, lives: [`${name}, life 1`] })) as [
  Named,
  Named,
];

t.test('troubles that follow each other too soon are one', async (t) => {
  const apart = [trouble(100_000, 101_000), trouble(0, 1_000)];
  t.strictSame(outagesOf(apart, 'gateway 1'), [
    { fromMs: 0, toMs: 1_000 },
    { fromMs: 100_000, toMs: 101_000 },
  ]);
  const close = [trouble(0, 1_000), trouble(1_000 + recoveryMs, 9_000), trouble(2_000, 2_100)];
  t.strictSame(outagesOf(close, 'gateway 1'), [{ fromMs: 0, toMs: 9_000 }]);
  t.strictSame(outagesOf([trouble(0, 1_000, 'gateway 2')], 'gateway 1'), [], "another's");
});

t.test('the last commit before an end', async (t) => {
  t.equal(lastCommitMs([], 'gateway 1', 50_000), 50_000 - commitMs);
  const past = [trouble(10_000, 11_000)];
  t.equal(lastCommitMs(past, 'gateway 1', 10_500), 10_000 - commitMs);
  t.equal(lastCommitMs(past, 'gateway 1', 11_000 + recoveryMs), 10_000 - commitMs);
  t.equal(lastCommitMs(past, 'gateway 1', 11_001 + recoveryMs), 11_001 + recoveryMs - commitMs);
  t.equal(lastCommitMs([trouble(10_000, Infinity)], 'gateway 1', 90_000), 10_000 - commitMs, 'it lasts');
});

t.test('excuses: writes always, deliveries where another may have had the partitions', async (t) => {
  const brief = [trouble(0, 1_000)];
  t.ok(exposuresOf(brief, [one, two]).every(({ lettersOnly }) => lettersOnly));
  const away = trouble(0, sessionRiskMs, 'gateway 2');
  t.ok(
    exposuresOf([away], [one, two]).every(({ lettersOnly }) => lettersOnly),
    'brokers that restart keep nobody away',
  );
  const long = [{ ...away, cutsOff: true }];
  t.ok(
    exposuresOf(long, [two]).every(({ lettersOnly }) => lettersOnly),
    'alone, nobody takes over',
  );
  const [absence, ...others] = exposuresOf(long, [one, two]).filter(
    ({ lettersOnly }) => lettersOnly !== true,
  );
  t.match(absence, { gateway: 'gateway 2, life 1', fromMs: -commitMs });
  t.strictSame(others, []);
});
