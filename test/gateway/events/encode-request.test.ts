import t from 'tap';
import { memberOf } from '../../../gateway/events/encode-json.ts';
import { createEncodeRequest } from '../../../gateway/events/encode-request.ts';
import { createEncode, encodeBatch } from '../../../gateway/events/encode.ts';
import { quickSubscription } from '../pipeline/run-pipeline.ts';
import { eventOf } from './build.ts';

const events = [eventOf({ id: 'a-1' }), eventOf({ id: 'a-2' })];

t.test('one event goes in the content mode of the trigger', async (t) => {
  for (const contentMode of ['binary', 'structured'] as const) {
    const encode = createEncodeRequest(quickSubscription({ function: { contentMode } }));
    t.strictSame(
      encode({ events: events.slice(0, 1), members: [] }),
      createEncode({ contentMode })(events[0]!),
    );
  }
});

t.test('a batch carries all its events, in their order', async (t) => {
  const encode = createEncodeRequest(quickSubscription({ function: { contentMode: 'batched' } }));
  const members = events.map(memberOf);
  t.strictSame(encode({ events, members }), encodeBatch(members));
});
