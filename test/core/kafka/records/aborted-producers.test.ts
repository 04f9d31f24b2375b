import t from 'tap';
import { AbortedProducers, isAbortMarker } from '../../../../core/kafka/records/aborted-producers.ts';

t.test('transactions that overlap, in the order in which they end', async (t) => {
  const aborted = new AbortedProducers([
    { producerId: 2n, firstOffset: 4n },
    { producerId: 1n, firstOffset: 2n },
    { producerId: 2n, firstOffset: 9n },
    { producerId: 3n, firstOffset: 9n },
  ]);
  const seen = (offset: bigint) => {
    aborted.reach(offset);
    return [1n, 2n, 3n].filter((producerId) => aborted.has(producerId));
  };
  t.strictSame(seen(1n), []);
  t.strictSame(seen(3n), [1n]);
  t.strictSame(seen(4n), [1n, 2n]);
  aborted.end(2n);
  t.strictSame(seen(8n), [1n], 'the first transaction of producer 2 is over');
  aborted.end(1n);
  t.strictSame(seen(9n), [2n, 3n], 'its second has begun');
});

t.test('what the key of a control record says', async (t) => {
  t.ok(isAbortMarker(Buffer.from([0, 0, 0, 0])));
  t.ok(isAbortMarker(Buffer.from([0, 1, 0, 0, 9])), 'of a later version, with more in it');
  t.notOk(isAbortMarker(Buffer.from([0, 0, 0, 1])));
  t.notOk(isAbortMarker(Buffer.from([0, 0, 0])));
  t.notOk(isAbortMarker(null));
  t.notOk(isAbortMarker(undefined));
});
