import { createServer } from 'node:net';
import t from 'tap';
import { KafkaError } from '../../../../../core/kafka/protocol/kafka-error.ts';
import { createSasl, type SaslMechanism } from '../../../../../core/kafka/connection/security/sasl.ts';

t.test('a token endpoint that hangs is told of, and not the broker that waits for the token', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as { port: number };
  const tokenEndpoint = `http://127.0.0.1:${port}/token`;
  const current = () => ({
    sasl: { mechanism: 'oauthbearer', tokenEndpoint, clientId: 'paula', clientSecret: 'none' } as const,
  });
  const sasl = createSasl({ mechanism: 'oauthbearer', credentials: { current }, tokenMs: 50 });
  const ask = () => Promise.reject(new Error('the broker is asked'));
  await t.rejects(sasl.authenticate(ask), {
    code: 'MILLRACE_KAFKA_UNREACHABLE',
    message: 'no answer of the token endpoint within 0.05 s: the broker waits for a token',
  });
  await sasl.close();
});

const held = (mechanism: 'plain' | 'scram-sha-512') => ({
  current: () => ({ sasl: { mechanism, username: 'paula', password: 'a secret' } }),
});
const refusing = () => Promise.reject(new KafkaError(58, 'Authentication failed: nobody is let in'));

t.test('a refusal is told with the words of the broker, whatever the mechanism', async (t) => {
  for (const mechanism of ['plain', 'scram-sha-512'] as const) {
    const sasl = createSasl({ mechanism, credentials: held(mechanism) });
    await t.rejects(sasl.authenticate(refusing), {
      code: 'MILLRACE_KAFKA_UNAUTHENTICATED',
      message: `the broker does not let us in: SASL ${mechanism.toUpperCase()}: Authentication failed: nobody is let in`,
    });
  }
});

t.test('PLAIN is one message; what else goes wrong is no refusal', async (t) => {
  const sasl = createSasl({ mechanism: 'plain', credentials: held('plain') });
  const asked: string[] = [];
  await sasl.authenticate(async (message) => {
    asked.push(message.toString('utf8'));
    return Buffer.alloc(0);
  });
  t.strictSame(asked, ['\0paula\0a secret']);
  const lost = new Error('the connection is lost');
  t.equal(await sasl.authenticate(() => Promise.reject(lost)).catch((error: unknown) => error), lost);
});

t.test('credentials of another mechanism than before are not shown', async (t) => {
  const ask = () => Promise.reject(new Error('the broker is asked'));
  for (const [mechanism, now] of [
    ['plain', {}],
    ['oauthbearer', held('plain').current()],
  ] as const satisfies [SaslMechanism, object][]) {
    const sasl = createSasl({ mechanism, credentials: { current: () => now } });
    await t.rejects(sasl.authenticate(ask), { code: 'MILLRACE_CREDENTIALS_UNUSABLE' });
    await sasl.close();
  }
});
