// One question to several that can all answer it.
import t from 'tap';
import { firstAnswer } from '../../../../core/kafka/connection/first-answer.ts';

const never = () => new Promise<string>(() => undefined);
const fails = (message: string) => () => Promise.reject(new Error(message));
const options = { patienceMs: 5, deadlineMs: Infinity, isFinal: () => false };

t.test(
  'the next one is asked where one hangs, or has failed; whoever answers first has answered',
  async (t) => {
    const asked: string[] = [];
    const way = (name: string, work: () => Promise<string>) => () => {
      asked.push(name);
      return work();
    };
    const answers = () => Promise.resolve('answer');
    const ways = [
      way('hung', never),
      way('broken', fails('broken')),
      way('well', answers),
      way('spare', answers),
    ];
    t.equal(await firstAnswer(ways, options), 'answer');
    t.strictSame(asked, ['hung', 'broken', 'well']);
  },
);

t.test('the last failure, where all fail', async (t) => {
  await t.rejects(firstAnswer([fails('first'), fails('last')], options), { message: 'last' });
});

t.test('a final one ends it, and so does the deadline', async (t) => {
  const ways = [fails('first'), () => Promise.resolve('answer')];
  await t.rejects(firstAnswer(ways, { ...options, isFinal: () => true }), { message: 'first' });
  await t.rejects(firstAnswer(ways, { ...options, deadlineMs: 0 }), { message: 'first' });
});
