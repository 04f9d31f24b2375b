// The secured Kafka of the tests, by a client that is not ours: each way in works, nobody may do what was not granted, and what is
// changed at the broker counts from then on.
import { Kafka, logLevel, type Admin } from 'kafkajs';
import t from 'tap';
import { createAuthority } from '../fixtures/authority.ts';
import { kafkajsConfig, type ClientSettings } from '../fixtures/client-settings.ts';
import { createTopic } from '../fixtures/kafka.ts';
import { clientKinds, startSecureKafka, type SecureKafka } from '../fixtures/secure-kafka.ts';

const kafka = await startSecureKafka(t);

function tokenFor({ provider, principal }: SecureKafka): string {
  const now = Math.floor(Date.now() / 1000);
  const { issuer: iss, audience: aud } = provider;
  return provider.token({ iss, aud, sub: principal('tls-oauthbearer'), iat: now, exp: now + 60 });
}

function adminOf(settings: ClientSettings): Admin {
  const config = kafkajsConfig(settings, tokenFor(kafka));
  return new Kafka({ ...config, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
}

/** Connects afresh. */
async function knock(settings: ClientSettings): Promise<void> {
  const admin = adminOf(settings);
  try {
    await admin.connect();
    await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

for (const kind of clientKinds) {
  t.test(kind, async (t) => {
    const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
    const admin = adminOf(kafka.client(kind));
    t.teardown(() => admin.disconnect());
    await admin.connect();
    if (kind !== 'tls') await t.rejects(admin.fetchTopicOffsets(topic), /not authorized/i);
    const right = { operation: 'describe', resource: 'topic', name: topic } as const;
    await kafka.grant(kind, [right]);
    t.equal((await admin.fetchTopicOffsets(topic)).length, 1);
    await kafka.revoke(kind, [right]);
  });
}

t.test('another password', async (t) => {
  const old = kafka.client('tls-scram-sha-256');
  if (old.sasl?.mechanism !== 'scram-sha-256') throw new Error('this client has no password');
  const sasl = { ...old.sasl, mechanism: 'scram-sha-256', password: 'another' } as const;
  await kafka.changePassword(sasl);
  await t.rejects(knock(old), /SASL/);
  await knock({ ...old, sasl });
});

t.test('another certificate, and another authority of clients', async (t) => {
  const old = kafka.client('mutual-tls');
  const authority = await createAuthority('/CN=another CA');
  const pair = await authority.issue({ subject: '/CN=broker', names: ['DNS:localhost', 'IP:127.0.0.1'] });
  await kafka.changeCertificate('MUTUAL', pair, authority.certificate);
  await t.rejects(knock(old), /certificate/);
  const own = await authority.issue({ subject: '/O=geo/CN=carol' });
  await knock({ ...old, tls: { ca: authority.certificate, verifyHostname: true, ...own } });
});
