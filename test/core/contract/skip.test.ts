import t from 'tap';
import { skipCommand, unreadableText } from '../../../core/contract/skip.ts';

t.test('as it is copied to a shell', async (t) => {
  t.equal(
    skipCommand('shop/mailer', { topic: 'orders', partition: 3, offset: 2n ** 60n }),
    'millrace skip shop/mailer --topic orders --partition 3 --offset 1152921504606846976',
  );
});

t.test('what is said of a batch that cannot be read', async (t) => {
  const batch = { topic: 'orders', partition: 3, offset: 7n, lastOffset: 9n, why: 'it ends' };
  t.equal(
    unreadableText('shop/mailer', batch),
    'the batch of the offsets 7 to 9 of orders-3 cannot be read: it ends; ' +
      'pass it with: millrace skip shop/mailer --topic orders --partition 3 --offset 7',
  );
  t.equal(
    unreadableText('shop/mailer', { ...batch, lastOffset: undefined }),
    'the batch at offset 7 of orders-3 cannot be read: it ends; ' +
      'it does not tell where it ends, so it can be passed once more is written behind it',
  );
});
