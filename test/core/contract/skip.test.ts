import t from 'tap';
import { skipCommand } from '../../../core/contract/skip.ts';

t.test('as it is copied to a shell', async (t) => {
  t.equal(
    skipCommand('shop/mailer', { topic: 'orders', partition: 3, offset: 2n ** 60n }),
    'millrace skip shop/mailer --topic orders --partition 3 --offset 1152921504606846976',
  );
});
