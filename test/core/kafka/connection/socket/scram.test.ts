// The client against the examples of the RFC, and against servers that do not keep to it.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import t from 'tap';
import { authenticateByScram, type Ask } from '../../../../../core/kafka/connection/socket/scram.ts';

const text = (bytes: Buffer): string => bytes.toString('utf8');

/** Answers with `answers` in turn, and keeps what it is asked. */
function server(...answers: readonly string[]): { readonly ask: Ask; readonly asked: string[] } {
  const asked: string[] = [];
  const ask: Ask = async (message) => {
    asked.push(text(message));
    return Buffer.from(answers[asked.length - 1] ?? '', 'utf8');
  };
  return { ask, asked };
}

const pencil = { mechanism: 'scram-sha-256', username: 'user', password: 'pencil' } as const;
// RFC 7677, section 3.
const clientNonce = 'rOprNGfwEbeRWgbNEkqO';
const serverNonce = `${clientNonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const first = `r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const final = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

t.test('the exchange of RFC 7677', async (t) => {
  const { ask, asked } = server(first, final);
  await authenticateByScram(pencil, ask, clientNonce);
  t.strictSame(asked, [
    `n,,n=user,r=${clientNonce}`,
    `c=biws,r=${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  ]);
});

t.test('SHA-512, names with characters of SCRAM, any password', async (t) => {
  const [password, salt] = [',=sécret', Buffer.from('salt')];
  const said: string[] = [];
  const hmac = (key: Buffer, message: string) => createHmac('sha512', key).update(message).digest();
  await authenticateByScram({ mechanism: 'scram-sha-512', username: 'a=b,c', password }, async (message) => {
    said.push(text(message));
    const [one = '', two] = said;
    const nonce = `${/r=(.*)$/.exec(one)?.[1] ?? ''}more`;
    const begun = `r=${nonce},s=${salt.toString('base64')},i=4096`;
    if (two === undefined) return Buffer.from(begun);
    const salted = pbkdf2Sync(password, salt, 4_096, 64, 'sha512');
    const exchanged = `${one.slice(3)},${begun},${two.slice(0, two.lastIndexOf(',p='))}`;
    const stored = createHash('sha512').update(hmac(salted, 'Client Key')).digest();
    const proof = Buffer.from(two.slice(two.lastIndexOf(',p=') + 3), 'base64');
    const signature = hmac(stored, exchanged);
    const clientKey = Buffer.from(proof.map((byte, at) => byte ^ signature[at]!));
    t.ok(clientKey.equals(hmac(salted, 'Client Key')), 'the proof holds');
    return Buffer.from(`v=${hmac(hmac(salted, 'Server Key'), exchanged).toString('base64')}`);
  });
  t.match(said[0], /^n,,n=a=3Db=2Cc,r=[A-Za-z0-9+/]{32}$/);
});

t.test('a server that does not know the password, or does not keep to the RFC, is not trusted', async (t) => {
  for (const [answers, why] of [
    [[first, 'v=AAAA'], /does not prove that it knows the password/],
    [[first, ''], /does not prove/],
    [[first, `v=${Buffer.alloc(32).toString('base64')}`], /does not prove/],
    [[first.replace(serverNonce, 'another')], /nonce is not made of ours/],
    [[first.replace(serverNonce, clientNonce)], /nonce is not made of ours/],
    [['e=other-error'], /nonce is not made of ours/],
    [[first.replace(/s=[^,]*,/, '')], /no salt/],
    [[first.replace('4096', '1')], /another number of iterations than 4096 to 1000000/],
    [[first.replace('4096', '1000001')], /another number of iterations/],
    [[first.replace('4096', '5e3x')], /another number of iterations/],
    [[first.replace(',i=4096', '')], /another number of iterations/],
  ] as const)
    await t.rejects(
      authenticateByScram(pencil, server(...answers).ask, clientNonce),
      { code: 'MILLRACE_KAFKA_UNAUTHENTICATED', message: why },
      String(why),
    );
});
