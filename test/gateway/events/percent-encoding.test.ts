import fc from 'fast-check';
import t from 'tap';
import { percentDecode, percentEncode } from '../../../gateway/events/percent-encoding.ts';

t.test('encodes as section 3.1.3.2 of the HTTP binding says', (t) => {
  const cases: [text: string, encoded: string][] = [
    ['', ''],
    ["plain!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~", "plain!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"],
    ['Euro € 😀', 'Euro%20%E2%82%AC%20%F0%9F%98%80'],
    ['"50%"', '%2250%25%22'],
    ['a\r\nhost: x', 'a%0D%0Ahost:%20x'],
    ['\u0000\u007f', '%00%7F'],
    ['\u00e9', '%C3%A9'],
    ['\ud83d', '%EF%BF%BD'],
  ];
  for (const [text, encoded] of cases) t.equal(percentEncode(text), encoded, encoded);
  t.end();
});

t.test('decodes, unquoting first', (t) => {
  const cases: [value: string, text: string | undefined][] = [
    ['plain', 'plain'],
    ['Euro%20%e2%82%ac%20%F0%9F%98%80', 'Euro € 😀'],
    ['%41%42', 'AB'],
    ['"quoted \\"%41\\" \\\\"', 'quoted "A" \\'],
    ['""', ''],
    ['"', '"'],
    ['"open', '"open'],
    ['open"', 'open"'],
    ['100%', '100%'],
    ['%zz%4', '%zz%4'],
    ['%2541', '%41'],
    ['%C0%A0', undefined],
    ['%ED%A0%80', undefined],
    ['x%FFx', undefined],
  ];
  for (const [value, text] of cases) t.equal(percentDecode(value), text, value);
  t.end();
});

t.test('what is encoded is decoded, and holds nothing that splits a header', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const encoded = percentEncode(text);
      return percentDecode(encoded) === text && /^[\x21\x23-\x7e]*$/.test(encoded);
    }),
    { numRuns: 1_000 },
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
      (text) => /^[\x21\x23-\x7e]*$/.test(percentEncode(text)),
    ),
  );
  fc.assert(fc.property(fc.string(), (value) => typeof percentDecode(value) !== 'number'));
  t.end();
});
