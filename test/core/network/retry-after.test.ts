import t from 'tap';
import { parseRetryAfter } from '../../../core/network/retry-after.ts';

const nowMs = Date.parse('1994-11-06T08:49:07Z');

t.test('Retry-After', (t) => {
  const cases: [value: string | undefined, ms: number | undefined][] = [
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['Sun, 99 Nov 1994 08:49:37 GMT', undefined],
    ['Sun, 06 Nov 1994 08:49:37 CET', undefined],
    ['1994-11-06T08:49:37Z', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [value, ms] of cases) t.equal(parseRetryAfter(value, nowMs), ms, String(value).slice(0, 40));
  t.end();
});
