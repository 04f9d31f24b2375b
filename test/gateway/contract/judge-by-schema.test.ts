import { Type } from 'typebox';
import t from 'tap';
import { createJudge } from '../../../gateway/contract/judge-by-schema.ts';
import { triggerWording } from '../../../gateway/contract/wording.ts';

t.test('what is judged is left as it is, and gets its defaults', async (t) => {
  const schema = Type.Object(
    { a: Type.Optional(Type.String({ default: 'b' })) },
    { additionalProperties: false },
  );
  const judge = createJudge(schema, []);
  const declared = {};
  t.strictSame(judge(declared, triggerWording), { filled: { a: 'b' }, mistakes: [] });
  t.strictSame(declared, {});
  t.match(judge({ c: 1 }, triggerWording).mistakes, [{ at: ['c'], remedy: 'There are a.' }]);
});
