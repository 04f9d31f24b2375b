import t from 'tap';
import { tooLarge, UnreadableBatch } from '../../../../core/kafka/records/unreadable-batch.ts';

t.test('why a batch cannot be read', async (t) => {
  t.match(new UnreadableBatch('it ends'), { name: 'UnreadableBatch', message: 'it ends', isTooLarge: false });
  t.ok(new UnreadableBatch('it unpacks to gigabytes', { isTooLarge: true }).isTooLarge);
  t.match(tooLarge(), { code: 'ERR_BUFFER_TOO_LARGE' });
});
