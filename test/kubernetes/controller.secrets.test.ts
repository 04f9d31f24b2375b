// A KafkaCluster with TLS and SASL, at a real broker: what a Trigger says while something is lacking, from the right to read a Secret to
// the ACL of its topic; and that each goes on by itself when it is there.
import t from 'tap';
import { kafkaClusterKind, secretKind } from '../../gateway/contract/kinds.ts';
import { createTopic } from '../fixtures/kafka.ts';
import { useApiServer } from '../fixtures/kubernetes.ts';
import { startSecureKafka } from '../fixtures/secure-kafka.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';

t.setTimeout(240_000);
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const kafka = await startSecureKafka(t);
const kind = 'tls-scram-sha-512';
const { bootstrapServers, sasl } = kafka.client(kind);
if (sasl?.mechanism !== 'scram-sha-512') throw new TypeError('not the client that is meant');
const { mechanism, username, password } = sasl;
const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 2 });
const tenant = await createTenant(t, server, await openClient(t, server.kubeconfig));
const { client, namespace } = tenant;
const installation = await install(t, {
  server,
  bootstrapServers: kafka.bootstrapServers,
  watchNamespaces: [namespace],
});
const group = `millrace.${namespace}.mailer`;

/** Whom the condition tells about, once it has this reason. */
async function told(reason: string): Promise<string> {
  const { status, message } = await tenant.untilCondition('mailer', 'SourceReady', reason);
  t.equal(status, 'False', reason);
  t.notOk(message.includes(password), 'no secret is told');
  return message;
}

function secretWith(shown: string): Record<string, string> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { password: base64(shown), 'ca.crt': base64(kafka.authority.certificate) };
}

t.test('each thing that is lacking is told until it is there, and the trigger goes on', async (t) => {
  const ofSecret = { secretName: 'kafka-user' };
  await client.create({
    apiVersion: kafkaClusterKind.apiVersion,
    kind: kafkaClusterKind.kind,
    metadata: { name: 'secured', namespace },
    spec: {
      bootstrapServers,
      tls: { ca: ofSecret },
      authentication: { type: mechanism, username, password: ofSecret },
    },
  });
  await tenant.deploy('mailer', { topics: topic, cluster: 'secured' });
  t.match(
    await told('SecretForbidden'),
    /the right to get secrets "kafka-user" in the namespace .* is lacking/,
  );

  await installation.grantSecrets(namespace, ['kafka-user']);
  t.match(await told('CredentialsUnusable'), /the Secret kafka-user of namespace .* is not there/);

  const { apiVersion, kind: secret } = secretKind;
  const metadata = { name: 'kafka-user', namespace };
  await client.create({ apiVersion, kind: secret, metadata, data: secretWith('of another') });
  t.match(await told('KafkaUnauthenticated'), /the broker does not let us in: SASL SCRAM/);

  await client.patch(secretKind, namespace, 'kafka-user', { data: secretWith(password) });
  t.match(
    await told('KafkaForbidden'),
    /does not allow our user to ask for the .*TOPIC_AUTHORIZATION_FAILED/,
  );

  await kafka.grant(kind, [
    { operation: 'read', resource: 'topic', name: topic },
    { operation: 'read', resource: 'group', name: group },
  ]);
  t.match(await told('NoGateway'), /No gateway is in the group/);
  await installation.startGateway(t);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
});
