import fc from 'fast-check';
import t from 'tap';
import { isAllowedLicence } from '../../../.build/dependencies/licence.ts';

const allowed = new Set(['MIT', 'Apache-2.0', 'BSD-3-Clause', 'Apache-2.0 WITH LLVM-exception']);

for (const expression of [
  'MIT',
  '(MIT)',
  'MIT OR GPL-3.0-only',
  'GPL-3.0-only OR MIT',
  '(Apache-2.0 AND BSD-3-Clause)',
  'GPL-3.0-only AND BSD-3-Clause OR MIT',
  'MIT AND (GPL-3.0-only OR Apache-2.0)',
  'Apache-2.0 WITH LLVM-exception',
]) {
  t.test(`${expression} is allowed`, async (t) => t.ok(isAllowedLicence(expression, allowed)));
}

for (const expression of [
  '',
  'GPL-3.0-only',
  'mit',
  'MIT AND GPL-3.0-only',
  'GPL-3.0-only AND MIT',
  'MIT AND (GPL-3.0-only OR AGPL-3.0-only)',
  'MIT WITH Bison-exception-2.2',
  'SEE LICENSE IN LICENSE.txt',
  'UNLICENSED',
  'MIT OR',
  'OR MIT',
  'MIT MIT',
  'MIT WITH',
  '(MIT',
  'MIT)',
  '()',
]) {
  t.test(`${JSON.stringify(expression)} is not`, async (t) => t.notOk(isAllowedLicence(expression, allowed)));
}

t.test('AND binds before OR, and brackets before both', async (t) => {
  const { tree } = fc.letrec<{ tree: [text: string, isAllowed: boolean] }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<[string, boolean]>(['MIT', true], ['GPL-3.0-only', false]),
      fc
        .tuple(fc.constantFrom('AND', 'OR'), tie('tree'), tie('tree'))
        .map(([word, [left, isLeft], [right, isRight]]): [string, boolean] => [
          `(${left} ${word} ${right})`,
          word === 'AND' ? isLeft && isRight : isLeft || isRight,
        ]),
    ),
  }));
  const sum = fc.array(fc.array(tree, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sum, (products) => {
      const text = products.map((factors) => factors.map(([one]) => one).join(' AND ')).join(' OR ');
      const expected = products.some((factors) => factors.every(([, isAllowed]) => isAllowed));
      t.equal(isAllowedLicence(text, allowed), expected, text);
    }),
  );
});
