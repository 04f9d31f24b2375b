import t from 'tap';
import { decideRange, rewindTo } from '../../../../core/kafka/source/out-of-range.ts';

t.test('what is not there, and where to go on', async (t) => {
  const cases = [
    [
      { position: 5n, low: 8n, high: 10n, isSameTopic: true, wasInRange: true },
      { kind: 'skip', to: 8n },
    ],
    [{ position: 5n, low: 5n, high: 10n, isSameTopic: true, wasInRange: true }, { kind: 'stay' }],
    [{ position: 10n, low: 5n, high: 10n, isSameTopic: true, wasInRange: true }, { kind: 'stay' }],
    [{ position: 11n, low: 5n, high: 10n, isSameTopic: true, wasInRange: true }, { kind: 'rewind' }],
    [{ position: 11n, low: 5n, high: 10n, isSameTopic: true, wasInRange: false }, { kind: 'reset' }],
    [{ position: 10n, low: 5n, high: 10n, isSameTopic: true, wasInRange: false }, { kind: 'stay' }],
    [{ position: 7n, low: 5n, high: 10n, isSameTopic: false, wasInRange: true }, { kind: 'restart' }],
    [{ position: 11n, low: 0n, high: 0n, isSameTopic: false, wasInRange: true }, { kind: 'restart' }],
    [{ position: 7n, low: 5n, high: 10n, isSameTopic: true, wasInRange: true, left: 6n }, { kind: 'rewind' }],
  ] as const;
  for (const [found, decision] of cases) t.strictSame(decideRange(found), decision);
});

t.test(
  'a truncated log goes on behind the last record that was handed over, within what is there',
  async (t) => {
    const range = { low: 5n, high: 10n };
    t.equal(rewindTo(range, 7n), 7n);
    t.equal(rewindTo(range, 3n), 5n, 'never before the log start');
    t.equal(rewindTo(range, 12n), 10n, 'never past the end');
    t.equal(rewindTo(range, undefined), 5n, 'all of it, where nothing is known');
  },
);
