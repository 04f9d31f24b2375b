import t from 'tap';
import type { Authentication, KafkaAccess } from '../../../../../core/contract/kafka-access.ts';
import { readCredentials } from '../../../../../core/kafka/connection/security/read-credentials.ts';
import { createAuthority, encryptKey } from '../../../../fixtures/access/authority.ts';
import { memorySecrets } from '../../../../fixtures/secrets/memory-secrets.ts';
import { mark, planted } from '../../../../fixtures/secrets/planted.ts';

const secret = planted('s3cret');
const passphrase = planted('open');
const authority = await createAuthority('/CN=Kafka CA');
const pair = await authority.issue({ subject: '/CN=orders' });
const stranger = await authority.issue({ subject: '/CN=stranger' });

function accessOf(authentication?: Authentication, key = 'ca.crt'): KafkaAccess {
  const tls = { ca: { secretName: 'kafka-ca', key }, verifyHostname: true };
  return { brokers: ['kafka:9093'], namespace: 'geo', tls, authentication };
}

const scram = {
  type: 'scram-sha-512',
  username: 'orders',
  password: { secretName: 'orders', key: 'password' },
} as const;
const mutual = {
  type: 'tls',
  certificate: { secretName: 'orders', key: 'tls.crt' },
  key: { secretName: 'orders', key: 'tls.key' },
  keyPassword: { secretName: 'orders', key: 'password' },
} as const;

function secretsWith(orders: Record<string, string>) {
  const secrets = memorySecrets();
  secrets.put('geo', 'kafka-ca', { 'ca.crt': authority.certificate, empty: '', text: 'no certificate' });
  secrets.put('geo', 'orders', orders);
  return secrets;
}

t.test('what is named is read, without the newline that echo leaves', async (t) => {
  t.strictSame(await readCredentials(accessOf(scram), secretsWith({ password: `${secret}\n` })), {
    tls: { verifyHostname: true, ca: authority.certificate },
    sasl: { mechanism: 'scram-sha-512', username: 'orders', password: secret },
  });
});

t.test('authorities that Strimzi replaces are trusted as long as it keeps them', async (t) => {
  const secrets = secretsWith({});
  const former = { 'ca-2026-01-31T00-00-00Z.crt': stranger.certificate, 'ca-of-mine.crt': pair.certificate };
  secrets.put('geo', 'kafka-ca', { 'ca.crt': authority.certificate, ...former });
  const { tls } = await readCredentials(accessOf(), secrets);
  t.equal(tls?.ca, `${authority.certificate}${stranger.certificate}`);
});

t.test('a certificate with an encrypted key', async (t) => {
  const orders = {
    'tls.crt': pair.certificate,
    'tls.key': encryptKey(pair.key, passphrase),
    password: passphrase,
  };
  const { tls } = await readCredentials(accessOf(mutual), secretsWith(orders));
  t.match(tls, { keyPassword: passphrase, certificate: pair.certificate });
});

t.test('an OAuth client by its secret, or by what proves it', async (t) => {
  const oauth = {
    type: 'oauthbearer',
    tokenEndpoint: 'https://sso.example.com/token',
    scope: 'kafka',
  } as const;
  const clientSecret = { secretName: 'orders', key: 'client-secret' };
  const secrets = secretsWith({ 'client-secret': secret });
  t.strictSame(
    (await readCredentials(accessOf({ ...oauth, clientId: 'orders', clientSecret }), secrets)).sasl,
    {
      mechanism: 'oauthbearer',
      tokenEndpoint: 'https://sso.example.com/token',
      scope: 'kafka',
      clientId: 'orders',
      clientSecret: secret,
    },
  );
  const clientAssertion = { serviceAccountName: 'kafka', audience: 'sso' };
  const proving = { ...secrets, serviceAccountToken: async (namespace: string) => `token of ${namespace}` };
  t.match(await readCredentials(accessOf({ ...oauth, clientAssertion }), proving), {
    sasl: { clientAssertion: 'token of geo' },
  });
});

t.test('what is not there, or not what it should be, is told with its place, and never shown', async (t) => {
  for (const [access, orders, message] of [
    [
      accessOf({ ...scram, password: { secretName: 'none', key: 'a' } }),
      {},
      /^the Secret none of namespace geo, which the KafkaCluster names as authentication\.password, does not exist$/,
    ],
    [accessOf(scram), { passwort: secret }, /has no key password: it has passwort$/],
    [accessOf(scram), {}, /has no key password: it is empty$/],
    [accessOf(scram), { password: '\n' }, /has an empty value under password$/],
    [accessOf(undefined, 'text'), {}, /as tls\.ca, has no CERTIFICATE block of PEM under text/],
    [
      accessOf(mutual),
      { 'tls.crt': pair.certificate, 'tls.key': stranger.key, password: 'x' },
      /^tls\.key of the Secret orders is not the key of tls\.crt of orders/,
    ],
    [
      accessOf(mutual),
      { 'tls.crt': pair.certificate, 'tls.key': encryptKey(pair.key, passphrase), password: secret },
      /as authentication\.key, has a key that the password does not open under tls\.key/,
    ],
  ] as const) {
    const refused = readCredentials(access, secretsWith(orders));
    await t.rejects(refused, { code: 'MILLRACE_CREDENTIALS_UNUSABLE', message });
    await refused.catch((error: unknown) => t.notMatch(String(error), mark));
  }
});
