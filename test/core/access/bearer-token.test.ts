import t from 'tap';
import fc from 'fast-check';
import { auditName, isPresentable, readClaims, withoutToken } from '../../../core/access/bearer-token.ts';

const jwtOf = (payload: string): string => `e30.${Buffer.from(payload).toString('base64url')}.c2ln`;

t.test('a token is worth a request if it is visible ASCII, and not too long', async (t) => {
  for (const token of ['a', '~!', jwtOf('{}'), 'a'.repeat(16_384)]) t.ok(isPresentable(token));
  for (const token of ['', ' ', 'a b', 'a\n', 'a\u0000', 'ä', '\u007f', 'a'.repeat(16_385)])
    t.notOk(isPresentable(token), JSON.stringify(token.slice(0, 5)));
});

t.test('the claims of a JWT are read unverified; anything else has none', async (t) => {
  t.strictSame(readClaims(jwtOf('{"iss":"a","n":1}')), { iss: 'a', n: 1 });
  for (const payload of ['', '[]', 'null', '"text"', '1', '{', '{"iss"'])
    t.equal(readClaims(jwtOf(payload)), undefined, payload);
  for (const token of ['', 'opaque', 'a.b', '...', 'a.b.c.d.e']) t.equal(readClaims(token), undefined, token);
});

t.test('an error is repeated without any part of the token', async (t) => {
  const token = 'header00.payload0.signature';
  const quoting = new Error('refused', {
    cause: new SyntaxError('at "payload0.sig" and "header0", in header00'),
  });
  t.equal(withoutToken(quoting, token).message, 'refused: at "***" and "header0", in ***');
  t.equal(withoutToken('no abcd here', 'abcd').message, 'no *** here');
  t.equal(withoutToken(new Error('all'), '').message, 'all');
  t.equal(withoutToken(new Error('x'.repeat(5_000)), token).message.length, 1_000);
  t.equal(withoutToken(quoting, token).cause, undefined);
});

t.test('however the token is quoted, no 8 of its characters in a row are left', async () => {
  fc.assert(
    fc.property(fc.string(), fc.base64String({ minLength: 8 }), fc.string(), fc.nat(), (a, token, b, cut) => {
      const { message } = withoutToken(`${a}${token.slice(cut % token.length)}${b}`, token);
      for (let at = 0; at + 8 <= message.length; at += 1)
        if (token.includes(message.slice(at, at + 8))) return false;
      return true;
    }),
  );
});

t.test('a name has limited length, and only visible characters', async (t) => {
  t.equal(auditName('system:serviceaccount:geo:alice'), 'system:serviceaccount:geo:alice');
  t.equal(auditName('Zoë Ł 北 👩'), 'Zoë Ł 北 👩');
  t.equal(auditName('a\nb\r\u0000\u001b[31m\u202e\u2028\u2029'), 'a�b���[31m���');
  t.equal(auditName('a'.repeat(512)), 'a'.repeat(512));
  t.equal(auditName('a'.repeat(513)), `${'a'.repeat(511)}…`);
  t.ok(auditName('👩'.repeat(400)).isWellFormed());
});
