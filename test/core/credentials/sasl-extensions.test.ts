import t from 'tap';
import { wrongExtension } from '../../../core/credentials/sasl-extensions.ts';

t.test('extensions have names of letters, and values of ASCII', async (t) => {
  t.equal(wrongExtension({}), undefined);
  t.equal(wrongExtension({ logicalCluster: 'lkc-1', identityPoolId: 'a b\tc\r\n~' }), undefined);
});

t.test('the name auth is reserved, in any case', async (t) => {
  for (const name of ['auth', 'AUTH'])
    t.equal(
      wrongExtension({ [name]: 'x' }),
      'has an extension with the name auth, which is reserved for the token',
    );
});

t.test('any other name or value is refused, and the message does not contain the value', async (t) => {
  for (const name of ['', 'a1', 'a-b', 'a=b', 'ä', 'a\x01b'])
    t.match(wrongExtension({ fine: 'x', [name]: 'x' }), /: a name may only have letters$/, name);
  for (const value of ['', 's3cret\x01auth=Bearer', 's3crét', 's3cret\0']) {
    const message = wrongExtension({ fine: 'x', pool: value });
    t.match(message, /^has an extension pool whose value is empty, or has/);
    t.notMatch(message, 's3');
  }
});
