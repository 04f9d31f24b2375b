import fc from 'fast-check';
import t from 'tap';
import {
  formatOf,
  formats,
  parseTimestamp,
  type FormatName,
} from '../../../../core/resources/schema/formats.ts';
import { formatSamples } from './format-samples.ts';

for (const [name, { right, wrong }] of Object.entries(formatSamples)) {
  const { test, expected } = formats[name as FormatName];
  t.test(`${name}: ${expected}`, async (t) => {
    for (const text of right) t.equal(test(text), true, `right: ${text}`);
    for (const text of wrong) t.equal(test(text), false, `wrong: ${text}`);
  });
}

for (const [text, timestampMs] of [
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01t00:00:01.5z', 1500],
  ['1970-01-01T01:00:00+01:00', 0],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2024-02-30T00:00:00Z', undefined],
  ['2023-02-29T00:00:00Z', undefined],
  ['2024-13-01T00:00:00Z', undefined],
  ['2024-01-01T25:00:00Z', undefined],
  ['2024-01-01T00:00:00', undefined],
  ['2024-01-01 00:00:00Z', undefined],
  ['yesterday', undefined],
] as const) {
  t.test(`the time ${text}`, async (t) => t.equal(parseTimestamp(text), timestampMs));
}

t.test('what a date says of itself is read back', async (t) => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true }),
      (date) => {
        t.equal(parseTimestamp(date.toISOString()), date.getTime());
      },
    ),
  );
});

t.test('of addresses that may hold a password, and of nothing else, it is said so', (t) => {
  const names = Object.keys(formats) as FormatName[];
  t.strictSame(
    names.filter((name) => formatOf(name).mayHoldPassword),
    ['https-uri', 'http-uri'],
  );
  t.end();
});
