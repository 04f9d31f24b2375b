import t from 'tap';
import {
  conditionFalse,
  conditionTrue,
  conditionUnknown,
  maxMessage,
} from '../../../../controller/plan/conditions/condition-state.ts';

const codePoints = (text: string): number => Array.from(text).length;

t.test('the three states', async (t) => {
  t.strictSame(conditionTrue('Accepted', 'a'), { status: 'True', reason: 'Accepted', message: 'a' });
  t.strictSame(conditionFalse('NoGateway', 'b'), { status: 'False', reason: 'NoGateway', message: 'b' });
  t.strictSame(conditionUnknown('Creating', 'c'), { status: 'Unknown', reason: 'Creating', message: 'c' });
});

t.test('a message that the API server would refuse is cut between characters, and says so', async (t) => {
  const longest = '🐦'.repeat(maxMessage);
  t.strictSame(
    conditionFalse('InvalidSpec', longest).message,
    longest,
    'code points count, not UTF-16 units',
  );
  for (const whole of ['x'.repeat(43_055), `${longest}🐦`]) {
    const { message, ...rest } = conditionFalse('InvalidSpec', whole);
    t.equal(rest.whole, whole);
    t.ok(codePoints(message) <= maxMessage);
    const [, cut] =
      /… \((\d+) more characters: the log of the scaler has the whole message\)$/.exec(message) ?? [];
    const kept = message.slice(0, message.indexOf('…'));
    t.ok(whole.startsWith(kept));
    t.equal(codePoints(kept) + Number(cut), codePoints(whole));
    t.ok(message.isWellFormed());
  }
});
