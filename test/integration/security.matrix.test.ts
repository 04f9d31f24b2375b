// Every authentication of a secured Kafka × command line, scaler and gateway, each with the least rights. And what users see of each
// connection that Kafka refuses.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { describeError } from '../../core/contract/errors.ts';
import type { SaslCredentials } from '../../core/contract/kafka-access.ts';
import type { Scaler } from '../../scaler/main.ts';
import { runCli } from '../cli/fixtures/run-cli.ts';
import { createAuthority } from '../fixtures/access/authority.ts';
import { clientProperties, type ClientSettings } from '../fixtures/kafka/client-settings.ts';
import { nowhere, useFileScaler } from '../fixtures/file-scaler.ts';
import { startFunction } from '../fixtures/function-server.ts';
import { useGateway, type TestGateway } from '../fixtures/gateway.ts';
import { produce } from '../fixtures/kafka/kafka.ts';
import { mark, planted } from '../fixtures/secrets/planted.ts';
import type { Right } from '../fixtures/kubernetes/rights.ts';
import { clientKinds, startSecureKafka, type ClientKind } from '../fixtures/kafka/secure-kafka.ts';
import {
  leastRights,
  prepareTrigger,
  securedManifests,
  valuesIn,
  type SecuredTrigger,
} from '../fixtures/kafka/secured-trigger.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);
const kafka = await startSecureKafka(t);
const { bootstrapServers } = kafka;

/** A function that replies to each record, except to those with the value `wrong`. */
function serveReplies(t: Test) {
  return startFunction(t, ({ body }) => {
    if (body.toString() === 'wrong') return 400;
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/fn', 'ce-type': 'reply' };
    return { status: 200, headers, body: `reply to ${body.toString()}` };
  });
}

t.test('command line, scaler and gateway work with every authentication and the least rights', async (t) => {
  const { origin } = await serveReplies(t);
  const ways = await Promise.all(
    clientKinds.map(async (kind, index): Promise<[ClientKind, SecuredTrigger]> => {
      return [
        kind,
        await prepareTrigger(t, { bootstrapServers, name: kind, isTransactional: index % 2 === 1 }),
      ];
    }),
  );
  const grant = (whom: keyof typeof leastRights) =>
    Promise.all(ways.map(([kind, trigger]) => kafka.grant(kind, leastRights[whom](trigger))));
  const manifests = ways.flatMap(([kind, trigger]) => securedManifests(trigger, origin, kafka.client(kind)));

  await grant('send');
  const folder = t.testdir();
  for (const [kind, { topic }] of ways) {
    await writeFile(join(folder, kind), clientProperties(kafka.client(kind)));
    const args = ['send', topic, '--lines', '--config', join(folder, kind)];
    const { code, stderr } = await runCli(t, args, {
      input: 'right\nwrong\nright',
      env: { KAFKA_BROKERS: '' },
    });
    t.strictSame({ code, stderr }, { code: 0, stderr: '' }, `send: ${kind}`);
  }

  await grant('scaler');
  const scaler = await useFileScaler(t, manifests);
  for (const [kind] of ways) {
    await until(async () => (await scaler.demand.backlog(`default/${kind}`)) === 3n, 60_000);
    t.pass(`scaler: ${kind}`);
  }

  await grant('gateway');
  const gateway = await useGateway(t, { bootstrapServers: nowhere, manifests });
  for (const [kind, { deadLetterTopic, replyTopic }] of ways) {
    const found = () => gateway.snapshot().find(({ key }) => key === `default/${kind}`);
    const isDone = () => found()?.replies === 2 && found()?.deadLettered === 1;
    await until(isDone, 60_000).catch((error: unknown) => {
      t.fail(`gateway: ${kind}`, { found: found(), error });
    });
    t.strictSame(await valuesIn(bootstrapServers, deadLetterTopic), ['wrong'], `dead letter: ${kind}`);
    const replies = ['reply to right', 'reply to right'];
    t.strictSame(await valuesIn(bootstrapServers, replyTopic), replies, `replies: ${kind}`);
    await until(async () => (await scaler.demand.backlog(`default/${kind}`)) === 0n, 60_000);
  }
});

/** Collects the errors that a gateway reports, code and text, by the name of the trigger. */
function listen(gateway: TestGateway): Map<string, string[]> {
  const reported = new Map<string, string[]>();
  const report = (name: string, error: Error): void => {
    const text = `${'code' in error ? String(error.code) : error.name}: ${describeError(error)}`;
    const texts = reported.get(name) ?? [];
    reported.set(name, texts);
    if (!texts.includes(text)) texts.push(text);
  };
  gateway.events.on('sourceState', ({ name }, state) => {
    if (state.kind === 'failing') report(name, state.error);
  });
  gateway.events.on('storeFailed', ({ name }, _record, _what, error) => report(name, error));
  return reported;
}

/** What the scaler reports about the backlog of a trigger: the number, or why it is unknown. */
async function reportedBy(scaler: Scaler, name: string): Promise<string> {
  return scaler.demand.backlog(`default/${name}`).then(String, describeError);
}

/** A short drain limit: a store that Kafka keeps refusing would otherwise delay the stop. */
const env = { MILLRACE_DRAIN_LIMIT: 'PT0.2S' };

/** By the missing right: what gateway and scaler report. */
const missingRights: Record<string, { without: (right: Right) => boolean; gateway: RegExp; scaler: RegExp }> =
  {
    'topic-unseen': {
      without: ({ resource, name }) => resource === 'topic' && name.includes('.in-'),
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: Kafka does not allow our user to describe the topic "topic-unseen\.in-\w+"$/,
      scaler: /does not allow our user to describe the topic "topic-unseen\.in-\w+"$/,
    },
    'topic-unread': {
      without: ({ resource, name }) => resource === 'topic' && name.includes('.in-'),
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: Kafka does not allow our user to read the topic "topic-unread\.in-\w+"$/,
      scaler: /^2$/,
    },
    group: {
      without: ({ resource }) => resource === 'group',
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: Kafka does not allow our user .* coordinator of group group-\w+ \(GROUP_AUTHORIZATION_FAILED\)$/,
      scaler: /does not allow our user .* coordinator of group group-\w+ \(GROUP_AUTHORIZATION_FAILED\)$/,
    },
    'dead-letter': {
      without: ({ name }) => name.includes('.dead-'),
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: Kafka does not allow our user to write the topic "dead-letter\.dead-\w+"$/,
      scaler: /^1$/,
    },
    reply: {
      without: ({ name }) => name.includes('.replies-'),
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: Kafka does not allow our user to write the topic "reply\.replies-\w+"$/,
      scaler: /^2$/,
    },
    transactions: {
      without: ({ resource }) => resource === 'transactional-id',
      gateway:
        /^MILLRACE_KAFKA_FORBIDDEN: .* transactional id millrace:transactions-\w+:.* \(TRANSACTIONAL_ID_AUTHORIZATION_FAILED\)$/,
      scaler: /^2$/,
    },
  };

t.test('the gateway reports a missing right, and so does the scaler if it needs that right', async (t) => {
  const kind = 'tls-scram-sha-512';
  const { origin } = await serveReplies(t);
  const triggers = await Promise.all(
    Object.entries(missingRights).map(async ([name, { without }]) => {
      const isTransactional = name === 'transactions';
      const trigger = await prepareTrigger(t, { bootstrapServers, name, isTransactional });
      const rights = leastRights.gateway(trigger).filter((right) => !without(right));
      if (name === 'topic-unread')
        rights.push({ operation: 'describe', resource: 'topic', name: trigger.topic });
      await kafka.grant(kind, rights);
      await produce(bootstrapServers, trigger.topic, [{ value: 'right' }, { value: 'wrong' }]);
      return trigger;
    }),
  );
  const manifests = triggers.flatMap((one) => securedManifests(one, origin, kafka.client(kind)));
  const scaler = await useFileScaler(t, manifests);
  const gateway = await useGateway(t, { bootstrapServers: nowhere, manifests, env });
  const reported = listen(gateway);
  for (const [name, expected] of Object.entries(missingRights)) {
    await until(() => reported.has(name), 60_000).catch(() => undefined);
    t.match(reported.get(name), [expected.gateway], name);
    await until(async () => expected.scaler.test(await reportedBy(scaler, name)), 60_000).catch(
      () => undefined,
    );
    t.match(await reportedBy(scaler, name), expected.scaler, `scaler: ${name}`);
  }
});

const stranger = await createAuthority('/CN=stranger');

/** What is wrong with a client → the code and text that gateway and scaler report. */
async function wrongClients(): Promise<Record<string, [ClientSettings, RegExp]>> {
  const [text, scram, mutual] = [
    kafka.client('plain'),
    kafka.client('tls-scram-sha-512'),
    kafka.client('mutual-tls'),
  ];
  const oauth = kafka.client('tls-oauthbearer');
  const encrypted = kafka.client('mutual-tls-encrypted-key');
  const another = await stranger.issue({ subject: '/O=geo/CN=carol' });
  const strange = { ...kafka.client('tls'), bootstrapServers: kafka.addresses.STRANGE };
  const refused = 'MILLRACE_KAFKA_UNAUTHENTICATED';
  const seen = (code: string, words: RegExp): RegExp => new RegExp(`^${code}: .*${words.source}`);
  return {
    'a-wrong-password': [
      withSasl(text, { password: planted('wrong') }),
      seen(refused, /does not let us in: SASL PLAIN: .*Invalid username or password/),
    ],
    'a-wrong-scram-password': [
      withSasl(scram, { password: planted('wrong') }),
      seen(refused, /does not let us in: SASL SCRAM-SHA-512: .*invalid credentials/),
    ],
    'an-unknown-user': [withSasl(scram, { username: 'nobody' }), seen(refused, /does not let us in/)],
    'another-mechanism': [
      { ...withSasl(text, { mechanism: 'scram-sha-256' }) },
      seen(refused, /the listener has no such way to authenticate/),
    ],
    'a-wrong-ca': [
      { ...scram, tls: { ca: stranger.certificate, verifyHostname: true } },
      seen(refused, /of an authority that is not trusted: see tls\.ca/),
    ],
    'no-ca': [
      { ...scram, tls: { verifyHostname: true } },
      seen(refused, /of an authority that is not trusted/),
    ],
    'a-wrong-host': [strange, seen(refused, /for another host name .*127\.0\.0\.1 is not in/)],
    'no-certificate': [
      { ...mutual, tls: kafka.client('tls').tls },
      seen(refused, /asks for a client certificate, or does not accept ours/),
    ],
    'a-strange-certificate': [
      { ...mutual, tls: { ...mutual.tls!, ...another } },
      seen(refused, /does not accept our certificate .*certificate unknown/),
    ],
    'a-wrong-key-password': [
      { ...encrypted, tls: { ...encrypted.tls!, keyPassword: planted('wrong') } },
      seen('MILLRACE_CREDENTIALS_UNUSABLE', /has a key that the password does not open under tls\.key/),
    ],
    'text-to-tls': [
      { ...text, bootstrapServers: kafka.addresses.SASL_TLS },
      seen('MILLRACE_KAFKA_UNREACHABLE', /the listener asks for TLS/),
    ],
    'tls-to-text': [
      { ...scram, bootstrapServers: kafka.addresses.SASL },
      seen(
        'MILLRACE_KAFKA_UNREACHABLE',
        /closed the connection before the TLS handshake had ended: its listener may have no TLS/,
      ),
    ],
    'sasl-to-none': [
      { ...scram, bootstrapServers: kafka.addresses.TLS },
      seen(refused, /the listener asks for no SASL: see authentication/),
    ],
    'none-to-sasl': [
      { bootstrapServers: kafka.addresses.SASL },
      seen('MILLRACE_KAFKA_UNREACHABLE', /[Cc]losed (the )?connection/),
    ],
    'no-token': [
      withSasl(oauth, { clientSecret: planted('wrong') }),
      seen(refused, /token endpoint of https:\/\/localhost:\d+ refuses \(401\): invalid_client/),
    ],
    'a-refused-token': [
      withSasl(oauth, { audience: 'another' }),
      seen(refused, /the broker refuses the token: invalid_token/),
    ],
  };
}

function withSasl({ sasl, ...settings }: ClientSettings, changes: Record<string, string>): ClientSettings {
  return { ...settings, sasl: { ...sasl, ...changes } as SaslCredentials };
}

t.test('gateway and scaler report why Kafka refuses a connection', async (t) => {
  const { origin } = await serveReplies(t);
  const wrong = Object.entries(await wrongClients());
  const manifests = await Promise.all(
    wrong.map(async ([name, [settings]]) =>
      securedManifests(await prepareTrigger(t, { bootstrapServers, name }), origin, settings),
    ),
  );
  const sound = await prepareTrigger(t, { bootstrapServers, name: 'sound' });
  manifests.push(securedManifests(sound, origin, kafka.client('tls')));
  const scaler = await useFileScaler(t, manifests.flat());
  const gateway = await useGateway(t, { bootstrapServers: nowhere, manifests: manifests.flat(), env });
  const reported = listen(gateway);
  for (const [name, [, expected]] of wrong) {
    await until(() => reported.has(name), 60_000).catch(() => undefined);
    t.match(reported.get(name), [expected], name);
    t.equal(reported.get(name)?.length, 1, `${name}: nothing else`);
    const words = expected.source.slice(expected.source.indexOf('.*'));
    const said = new RegExp(`^The backlog of default/${name} is unknown: ${words}`);
    // Whoever asks first may be told that Kafka takes long.
    await until(async () => said.test(await reportedBy(scaler, name)), 60_000).catch(() => undefined);
    t.match(await reportedBy(scaler, name), said);
    const reason = () => gateway.snapshot().find(({ key }) => key === `default/${name}`)!.reason;
    // The gateway retries in between, so the reason comes and goes.
    await until(() => new RegExp(words).test(reason()), 60_000).catch(() => undefined);
    t.match(reason(), new RegExp(words), `${name}: the snapshot`);
  }
  await until(async () => (await reportedBy(scaler, 'sound')) === '0', 60_000);
  t.equal(reported.get('sound'), undefined, 'a sound trigger reports nothing');
  // These requests also feed the search for secrets: each port answers while all of this is wrong.
  const pages = ['/v1/triggers', '/readyz', '/metrics'].map((path) => `${gateway.adminUrl}${path}`);
  for (const page of [...pages, `${scaler.httpUrl}/readyz`, `${scaler.httpUrl}/metrics`]) {
    const text = await (await fetch(page)).text();
    t.notOk(text.includes(mark), `${new URL(page).pathname} shows no secret`);
  }
});

t.test('a gateway accepts a certificate for another name when verifyHostname is false', async (t) => {
  const { origin, calls } = await serveReplies(t);
  const trigger = await prepareTrigger(t, { bootstrapServers, name: 'unverified' });
  const settings = kafka.client('tls');
  const manifests = securedManifests(trigger, origin, {
    bootstrapServers: kafka.addresses.STRANGE,
    tls: { ...settings.tls!, verifyHostname: false },
  });
  await produce(bootstrapServers, trigger.topic, [{ value: 'right' }]);
  await useGateway(t, { bootstrapServers: nowhere, manifests });
  await until(() => calls.length === 1, 60_000);
});
