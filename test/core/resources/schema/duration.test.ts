import fc from 'fast-check';
import t from 'tap';
import { parseDuration } from '../../../../core/resources/schema/duration.ts';

const right: readonly [text: string, milliseconds: number][] = [
  ['PT0S', 0],
  ['PT0.3S', 300],
  ['PT0.05S', 50],
  ['PT30S', 30_000],
  ['PT5M', 300_000],
  ['PT24H', 86_400_000],
  ['P1D', 86_400_000],
  ['P1W', 604_800_000],
  ['P1DT1H1M1.5S', 90_061_500],
];
for (const [text, milliseconds] of right) {
  t.test(`${text} is ${milliseconds} ms`, async (t) => t.equal(parseDuration(text), milliseconds));
}

for (const text of [
  '',
  'P',
  'PT',
  'P1DT',
  '30',
  '30s',
  'PT1',
  'P1M',
  'P1Y',
  '-PT1S',
  'PT1.S',
  'PT 1S',
  'pt1s',
  `P${'9'.repeat(20)}D`,
]) {
  t.test(`${JSON.stringify(text)} is no duration`, async (t) => t.equal(parseDuration(text), undefined));
}

t.test('hours, minutes and seconds add up', async (t) => {
  const below = (limit: number) => fc.integer({ min: 0, max: limit - 1 });
  fc.assert(
    fc.property(below(1000), below(60), below(60_000), (hours, minutes, milliseconds) => {
      const text = `PT${hours}H${minutes}M${milliseconds / 1000}S`;
      t.equal(parseDuration(text), (hours * 60 + minutes) * 60_000 + milliseconds);
    }),
  );
});
