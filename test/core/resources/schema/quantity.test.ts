import t from 'tap';
import { parseQuantity } from '../../../../core/resources/schema/quantity.ts';

const right: readonly [text: string, bytes: number][] = [
  ['0', 0],
  ['512', 512],
  ['500k', 500_000],
  ['3M', 3_000_000],
  ['2G', 2_000_000_000],
  ['4Ki', 4096],
  ['1Mi', 1_048_576],
  ['1Gi', 1_073_741_824],
];
for (const [text, bytes] of right) {
  t.test(`${text} is ${bytes} bytes`, async (t) => t.equal(parseQuantity(text), bytes));
}

for (const text of ['', 'Mi', '1.5Mi', '-1', '1 Mi', '1mi', '1MB', '1T', `${'9'.repeat(15)}Gi`]) {
  t.test(`${JSON.stringify(text)} is no quantity`, async (t) => t.equal(parseQuantity(text), undefined));
}
