import t from 'tap';
import { deadLetterCondition } from '../../../../controller/plan/conditions/dead-letter-condition.ts';
import type { StoreTopic } from '../../../../controller/plan/observed-state.ts';
import { readyKafka } from '../../fixtures/observed-state.ts';

const dead = (state: StoreTopic['state']): StoreTopic => ({ what: 'dead letters', topic: 'a.dead', state });
const reply = (state: StoreTopic['state']): StoreTopic => ({ what: 'replies', topic: 'b', state });

t.test('the topics that are stored to', async (t) => {
  const cases: [StoreTopic[], string, string, RegExp][] = [
    [[], 'True', 'NotUsed', /blocks its lane/],
    [[reply('exists')], 'True', 'NotUsed', /no dead-letter topic/],
    [[dead('exists')], 'True', 'TopicExists', /a\.dead/],
    [[dead('missing'), reply('unknown')], 'False', 'TopicMissing', /a\.dead.*Create it/],
    [[dead('unknown'), reply('missing')], 'False', 'ReplyTopicMissing', /The topic b for replies/],
    [
      [dead('forbidden'), reply('unknown')],
      'False',
      'KafkaForbidden',
      /write to the topic a\.dead for dead letters/,
    ],
    [[dead('unknown')], 'Unknown', 'KafkaUnreachable', /a\.dead/],
  ];
  for (const [stores, status, reason, message] of cases)
    t.match(deadLetterCondition({ ...readyKafka, stores }), { status, reason, message }, reason);
  t.match(deadLetterCondition(undefined), { status: 'Unknown', reason: 'NotCheckedYet' });
});
