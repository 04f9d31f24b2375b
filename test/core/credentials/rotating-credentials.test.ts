import t, { type Test } from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { Credentials } from '../../../core/contract/kafka-access.ts';
import { createRotatingCredentials } from '../../../core/credentials/rotating-credentials.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { until } from '../../scaler/fixtures/until.ts';

const withPassword = (password: string): Credentials => ({
  sasl: { mechanism: 'plain', username: 'orders', password: planted(password) },
});

/** Credentials that the test changes, and a broker that accepts some of them. */
function start(t: Test, first: Credentials | Error) {
  const world = { given: first, accepted: (_candidate: Credentials): boolean => true, reads: 0, renewed: 0 };
  const troubles: unknown[] = [];
  const live = createRotatingCredentials({
    read: async () => {
      world.reads += 1;
      if (world.given instanceof Error) throw world.given;
      return structuredClone(world.given);
    },
    shown: ({ sasl }) => (sasl?.mechanism === 'oauthbearer' ? { ...sasl, clientAssertion: undefined } : sasl),
    prove: async (candidate) => {
      if (!world.accepted(candidate)) throw new Error('refused');
    },
    onTrouble: (error) => troubles.push(error),
    onRenewed: () => (world.renewed += 1),
    delayMs: 1,
  });
  t.teardown(() => live.close());
  const polls = async (count: number): Promise<void> => {
    const from = world.reads;
    await until(() => world.reads >= from + count);
  };
  return { live, world, troubles, polls };
}

t.test('the first credentials are used without asking a broker, which may be away', async (t) => {
  const { live, world } = start(t, withPassword('a'));
  world.accepted = () => false;
  await live.ready();
  t.strictSame(live.current(), withPassword('a'));
  t.equal(world.renewed, 0);
});

t.test(
  'an error of reading is reported once, and thrown to whoever connects, until a read succeeds',
  async (t) => {
    const missing = new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', 'the Secret is not there');
    const { live, world, troubles, polls } = start(t, missing);
    t.throws(() => live.current(), { code: 'MILLRACE_CREDENTIALS_UNUSABLE' }, 'also before the first read');
    await live.ready();
    await polls(3);
    t.throws(() => live.current(), missing);
    t.strictSame(troubles, [missing]);
    world.given = withPassword('a');
    await until(() => live.current());
  },
);

t.test('new credentials are used when a broker has accepted them, the old ones until then', async (t) => {
  const { live, world, troubles, polls } = start(t, withPassword('a'));
  await live.ready();
  let renewals = 0;
  live.onRenewed(() => (renewals += 1));
  await polls(3);
  t.equal(renewals, 0, 'nothing has changed');
  world.accepted = () => false;
  world.given = withPassword('b');
  await polls(3);
  t.strictSame(live.current(), withPassword('a'));
  t.match(troubles, [{ message: 'refused' }], 'once');
  world.accepted = () => true;
  await until(() => renewals > 0);
  t.strictSame(live.current(), withPassword('b'));
  await polls(3);
  t.equal(renewals, 1);
  t.equal(world.renewed, 1);
});

t.test('credentials that cannot be read any more stay in use', async (t) => {
  const { live, world, troubles, polls } = start(t, withPassword('a'));
  await live.ready();
  world.given = new Error('the API server is away');
  await polls(3);
  t.strictSame(live.current(), withPassword('a'));
  t.equal(troubles.length, 1);
});

t.test('listeners are called for the first credentials, and for all later ones', async (t) => {
  const { live, world } = start(t, new Error('not yet'));
  const used: Credentials[] = [];
  live.onRenewed(() => used.push(live.current()));
  for (const password of ['a', 'b']) {
    world.given = withPassword(password);
    await until(() => used.at(-1)?.sasl !== undefined && used.length === (password === 'a' ? 1 : 2));
  }
  t.strictSame(used, [withPassword('a'), withPassword('b')]);
  t.equal(world.renewed, 1, 'the first is no renewal');
});

t.test('a change that peers do not see renews no connection', async (t) => {
  const oauth = (clientAssertion: string): Credentials => ({
    sasl: { mechanism: 'oauthbearer', tokenEndpoint: 'https://sso.example.com', clientAssertion },
  });
  const { live, world } = start(t, oauth('a'));
  await live.ready();
  world.accepted = () => false;
  world.given = oauth('b');
  await until(
    () => live.current().sasl?.mechanism === 'oauthbearer' && 'b' === clientAssertionOf(live.current()),
  );
  t.equal(world.renewed, 0);
});

function clientAssertionOf({ sasl }: Credentials): string | undefined {
  return sasl?.mechanism === 'oauthbearer' ? sasl.clientAssertion : undefined;
}
