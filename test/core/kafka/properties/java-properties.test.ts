import fc from 'fast-check';
import t from 'tap';
import { parseJavaProperties } from '../../../../core/kafka/properties/java-properties.ts';

const pairs = (text: string) =>
  parseJavaProperties(text).properties.map(({ name, value }) => [name, value] as const);

/** As `Properties.store` of Java writes it. */
function escaped(text: string, special: RegExp): string {
  const letters: Readonly<Record<string, string>> = { '\t': 't', '\n': 'n', '\r': 'r', '\f': 'f' };
  return text.replaceAll(special, (letter) => `\\${letters[letter] ?? letter}`);
}

for (const [text, expected] of [
  ['a=b', [['a', 'b']]],
  ['a:b', [['a', 'b']]],
  ['a b', [['a', 'b']]],
  [' \t\fa \t= \fb ', [['a', 'b ']]],
  ['a==b', [['a', '=b']]],
  ['a  b=c', [['a', 'b=c']]],
  ['a', [['a', '']]],
  ['=b', [['', 'b']]],
  ['a\\=\\:\\ b = c', [['a=: b', 'c']]],
  ['# a=b\n ! c=d\n\n \t\ne=f # g', [['e', 'f # g']]],
  ['a=1\rb=2\r\nc=3', [['a', '1'], ['b', '2'], ['c', '3']]], // prettier-ignore
  ['a=b\\\n   c\\\r\n\td', [['a', 'bcd']]],
  ['a=b\\\n# no comment', [['a', 'b# no comment']]],
  ['a=b\\\\\nc=d', [['a', 'b\\'], ['c', 'd']]], // prettier-ignore
  ['a=b\\\\\\\nc', [['a', 'b\\c']]],
  ['a=b\\\n\nc=d', [['a', 'b'], ['c', 'd']]], // prettier-ignore
  ['\\\n# a comment\na=b', [['a', 'b']]],
  ['a=b\\', [['a', 'b']]],
  ['\\', []],
  ['a=\\t\\n\\r\\f\\\\\\"\\z', [['a', '\t\n\r\f\\"z']]],
  ['\\u0061=\\u00fC\\\\u00', [['a', 'ü\\u00']]],
  ['a=1\na=2', [['a', '1'], ['a', '2']]], // prettier-ignore
] as const) {
  t.test(JSON.stringify(text), async (t) => t.strictSame(pairs(text), expected));
}

t.test('a property stands on the line on which it begins', async (t) => {
  const { properties } = parseJavaProperties('# x\n\na=b\\\n c\n\\\n\nd=e');
  t.strictSame(properties.map(({ name, line }) => [name, line]), [['a', 3], ['d', 7]]); // prettier-ignore
});

t.test('a malformed \\u leaves out its property alone', async (t) => {
  const { properties, malformed } = parseJavaProperties('a=\\u00\nb=c\n\\uxyzw=d\ne=\\\\\\u123');
  t.strictSame(malformed, [1, 3, 4]);
  t.strictSame(properties.map(({ name }) => name), ['b']); // prettier-ignore
});

t.test('what Java writes is read', async (t) => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('aü=: \t\n\r\f\\#!"')) });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text)), (all) => {
      const written = all.map(([name, value]) => {
        // Only the first blank of a value would be taken for a separator.
        const right = escaped(value, /[\\\t\n\r\f=:#!]/g).replace(/^ /, '\\ ');
        return `${escaped(name, /[\\\t\n\r\f=:#! ]/g)}=${right}\n`;
      });
      t.strictSame(pairs(written.join('')), all);
    }),
  );
});
