import t from 'tap';
import { createStaticToken } from '../../../core/access/static-token.ts';
import { callerIn, testRecognizer } from '../../fixtures/access/recognizer-conformance.ts';

testRecognizer(t, async () => ({
  recognizer: createStaticToken({ token: 'correct-horse-battery', name: 'admin-token' }),
  token: 'correct-horse-battery',
  name: 'admin-token',
  rejected: {
    shorter: 'correct-horse-batter',
    longer: 'correct-horse-battery1',
    'of another case': 'Correct-horse-battery',
  },
}));

t.test('its bearer has every right everywhere', async (t) => {
  const recognizer = createStaticToken({ token: 'abc', name: 'a\nb' });
  const caller = callerIn(await recognizer.recognize('abc'));
  t.equal(caller.name, 'a�b');
  for (const right of ['scrape', 'view', 'operate', 'activate'] as const)
    for (const namespace of [undefined, 'geo']) t.ok(await caller.may(right, namespace));
});

t.test('an empty token is refused', async (t) => {
  t.throws(() => createStaticToken({ token: '', name: 'admin' }), { code: 'MILLRACE_CONFIG_INVALID' });
});
