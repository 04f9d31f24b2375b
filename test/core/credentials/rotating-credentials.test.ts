import t, { type Test } from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { Credentials } from '../../../core/contract/kafka-access.ts';
import { createRotatingCredentials } from '../../../core/credentials/rotating-credentials.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { until } from '../../scaler/fixtures/until.ts';

const withPassword = (password: string): Credentials => ({
  sasl: { mechanism: 'plain', username: 'orders', password: planted(password) },
});

/** Credentials that a test changes, and a broker that accepts some of them. */
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
  const looks = async (count: number): Promise<void> => {
    const from = world.reads;
    await until(() => world.reads >= from + count);
  };
  return { live, world, troubles, looks };
}

t.test('what is read first is held without a question to a broker, which may be away', async (t) => {
  const { live, world } = start(t, withPassword('a'));
  world.accepted = () => false;
  await live.ready();
  t.strictSame(live.current(), withPassword('a'));
  t.equal(world.renewed, 0);
});

t.test(
  'what cannot be read is told once, with its reason to whoever connects, until it is there',
  async (t) => {
    const missing = new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', 'the Secret is not there');
    const { live, world, troubles, looks } = start(t, missing);
    t.throws(() => live.current(), { code: 'MILLRACE_CREDENTIALS_UNUSABLE' }, 'also before the first look');
    await live.ready();
    await looks(3);
    t.throws(() => live.current(), missing);
    t.strictSame(troubles, [missing]);
    world.given = withPassword('a');
    await until(() => live.current());
  },
);

t.test('others are shown from when a broker has accepted them, and those before until then', async (t) => {
  const { live, world, troubles, looks } = start(t, withPassword('a'));
  await live.ready();
  let heard = 0;
  live.onRenewed(() => (heard += 1));
  await looks(3);
  t.equal(heard, 0, 'nothing has changed');
  world.accepted = () => false;
  world.given = withPassword('b');
  await looks(3);
  t.strictSame(live.current(), withPassword('a'));
  t.match(troubles, [{ message: 'refused' }], 'once');
  world.accepted = () => true;
  await until(() => heard > 0);
  t.strictSame(live.current(), withPassword('b'));
  await looks(3);
  t.equal(heard, 1);
  t.equal(world.renewed, 1);
});

t.test('what cannot be read any more stays as it was', async (t) => {
  const { live, world, troubles, looks } = start(t, withPassword('a'));
  await live.ready();
  world.given = new Error('the API server is away');
  await looks(3);
  t.strictSame(live.current(), withPassword('a'));
  t.equal(troubles.length, 1);
});

t.test('whoever listens hears of the first, and of those that come after', async (t) => {
  const { live, world } = start(t, new Error('not yet'));
  const heard: Credentials[] = [];
  live.onRenewed(() => heard.push(live.current()));
  for (const password of ['a', 'b']) {
    world.given = withPassword(password);
    await until(() => heard.at(-1)?.sasl !== undefined && heard.length === (password === 'a' ? 1 : 2));
  }
  t.strictSame(heard, [withPassword('a'), withPassword('b')]);
  t.equal(world.renewed, 1, 'the first is no renewal');
});

t.test('what is shown to nobody changes, and no connection with it', async (t) => {
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
