import fc from 'fast-check';
import t from 'tap';
import { AnswerFrames } from '../../../../../core/kafka/connection/socket/answer-frames.ts';

function framed(...answers: readonly Buffer[]): Buffer {
  return Buffer.concat(
    answers.flatMap((answer) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(answer.length);
      return [size, answer];
    }),
  );
}

t.test('answers come out as they went in, in whatever chunks they come', async () => {
  const answer = fc.uint8Array({ minLength: 4, maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(answer, { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (answers, cuts) => {
        const frames = new AnswerFrames();
        const bytes = framed(...answers);
        const found: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const most = Number(cuts.next().value);
          found.push(...frames.take(bytes.subarray(at, at + most)));
          at += most;
        }
        return Buffer.concat(found).equals(Buffer.concat(answers)) && found.length === answers.length;
      },
    ),
  );
});

// Gathered anew with each chunk, these would be half a trillion bytes to copy.
t.test('a million chunks of one byte are gathered in linear time', async (t) => {
  const answer = Buffer.alloc(1_000_000, 7);
  const bytes = framed(answer);
  const frames = new AnswerFrames();
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 1) found.push(...frames.take(bytes.subarray(at, at + 1)));
  t.equal(found.length, 1);
  t.ok(found[0]?.equals(answer));
});

t.test('a server of TLS that does not understand is told from garbage', async (t) => {
  const alert = Buffer.of(0x15, 3, 3, 0, 2, 2, 80);
  t.throws(() => [...new AnswerFrames().take(alert)], { message: 'the listener asks for TLS' });
});

t.test('no size is believed that no answer has, and nothing is set aside for it', async (t) => {
  for (const [size, most] of [
    [-1, undefined],
    [-(2 ** 31), undefined],
    [0, undefined],
    [3, undefined],
    [256 * 1_048_576 + 1, undefined],
    [2 ** 31 - 1, undefined],
    [11, 10],
  ] as const) {
    const head = Buffer.alloc(4);
    head.writeInt32BE(size);
    const frames = new AnswerFrames(most);
    t.throws(() => [...frames.take(head)], {
      name: 'RangeError',
      message: `no answer of Kafka has ${size} bytes`,
    });
  }
});
