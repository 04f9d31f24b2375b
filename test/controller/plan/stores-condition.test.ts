import t from 'tap';
import { storesCondition } from '../../../controller/plan/stores-condition.ts';
import type { StoreFact } from '../../../controller/plan/observed.ts';
import { wholeFacts } from '../fixtures/observed.ts';

const dead = (state: StoreFact['state']): StoreFact => ({ what: 'dead letters', topic: 'a.dead', state });
const reply = (state: StoreFact['state']): StoreFact => ({ what: 'replies', topic: 'b', state });

t.test('the topics that are stored to', async (t) => {
  const cases: [StoreFact[], string, string, RegExp][] = [
    [[], 'True', 'NotUsed', /blocks its lane/],
    [[reply('there')], 'True', 'NotUsed', /no dead-letter topic/],
    [[dead('there')], 'True', 'TopicExists', /a\.dead/],
    [[dead('missing'), reply('unknown')], 'False', 'TopicMissing', /a\.dead.*create it/],
    [[dead('unknown'), reply('missing')], 'False', 'ReplyTopicMissing', /Topic b, for replies/],
    [
      [dead('forbidden'), reply('unknown')],
      'False',
      'KafkaForbidden',
      /write the topic a\.dead, for dead letters/,
    ],
    [[dead('unknown')], 'Unknown', 'KafkaUnreachable', /a\.dead/],
  ];
  for (const [stores, status, reason, message] of cases)
    t.match(storesCondition({ ...wholeFacts, stores }), { status, reason, message }, reason);
  t.match(storesCondition(undefined), { status: 'Unknown', reason: 'NotCheckedYet' });
});
