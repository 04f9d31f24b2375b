import fc from 'fast-check';
import t from 'tap';
import { secretPatternsFor, type SecretPattern } from '../../../.build/outputs/secret-patterns.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

const patterns = secretPatternsFor(mark);

function found(text: string): SecretPattern['what'][] {
  return patterns.filter(({ bytes }) => Buffer.from(text).includes(bytes)).map(({ what }) => what);
}

const hex = (text: string, between = ''): string =>
  [...Buffer.from(text)].map((byte) => between + byte.toString(16).padStart(2, '0')).join('');

t.test('a secret is found in each form, whatever surrounds it', (t) => {
  const forms: readonly (readonly [form: string, of: (text: string) => string])[] = [
    ['as it is', (text) => text],
    ['as it is', (text) => JSON.stringify({ text })],
    ['as it is', encodeURIComponent],
    ['base64', (text) => Buffer.from(text).toString('base64')],
    ['base64', (text) => Buffer.from(text).toString('base64url')],
    ['percent-encoded', (text) => hex(text, '%')],
    ['percent-encoded', (text) => hex(text, '%').toUpperCase()],
    ['hexadecimal', (text) => hex(text)],
    ['hexadecimal', (text) => hex(text).toUpperCase()],
    ['a Buffer', (text) => `<Buffer${hex(text, ' ')}>`],
    ['a Buffer in JSON', (text) => JSON.stringify(Buffer.from(text))],
  ];
  const whole = fc.string({ unit: 'grapheme', maxLength: 20 });
  for (const [form, of] of forms) {
    fc.assert(
      fc.property(whole, whole, (left, right) =>
        found(of(`${left}${mark}${right}`)).includes(`a planted secret, ${form}`),
      ),
    );
  }
  t.end();
});

t.test('planted secrets carry the mark, and keys and tokens are recognized by their shape', (t) => {
  t.strictSame(found(planted('a "quoted" one')), ['a planted secret, as it is']);
  t.strictSame(found('-----BEGIN ENCRYPTED PRIVATE KEY-----'), ['a private key, as it is']);
  for (const before of ['', 'a', 'ab'])
    t.strictSame(found(Buffer.from(`${before}-----BEGIN PRIVATE KEY-----\n`).toString('base64')), [
      'a private key, base64',
    ]);
  t.strictSame(found(Buffer.from('{"alg":"RS256"}').toString('base64url')), ['a JSON Web Token, as it is']);
  t.end();
});

t.test('text that is no secret is not found', (t) => {
  t.strictSame(found('a password, -----BEGIN CERTIFICATE-----, Bearer e30.e30.c2ln'), []);
  t.end();
});
