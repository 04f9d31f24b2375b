// A KafkaCluster with TLS and SASL, at a real broker: the status of a Trigger while something is missing, from the right to read a Secret to
// the ACL of its topic. The trigger goes on by itself each time the missing thing appears.
import t from 'tap';
import { secretKind } from '../../core/resources/kinds.ts';
import { planted } from '../fixtures/secrets/planted.ts';
import { base64, useSecuredTenant } from './fixtures/secured-tenant.ts';

t.setTimeout(240_000);
const { tenant, client, namespace, installation, topic, ...kafka } = await useSecuredTenant(t);
const { bootstrapServers, username, password } = kafka;

/** The message of the condition SourceReady, once it has this reason. */
async function messageOf(reason: string): Promise<string> {
  const { status, message } = await tenant.untilCondition('mailer', 'SourceReady', reason);
  t.equal(status, 'False', reason);
  t.notOk(message.includes(password), 'no secret shows');
  return message;
}

function secretWith(shown: string): Record<string, string> {
  return { password: shown, 'ca.crt': kafka.authority };
}

t.test('a Trigger reports each missing thing until it exists, then goes on', async (t) => {
  const ofSecret = { secretName: 'kafka-user' };
  await kafka.createCluster('secured', {
    bootstrapServers,
    tls: { ca: ofSecret },
    authentication: { type: 'scram-sha-512', username, password: ofSecret },
  });
  await tenant.deploy('mailer', { topics: topic, cluster: 'secured' });
  t.match(
    await messageOf('SecretForbidden'),
    /the right to get secrets "kafka-user" in the namespace .* is missing/,
  );

  await installation.grantSecrets(namespace, ['kafka-user']);
  t.match(await messageOf('CredentialsUnusable'), /the Secret kafka-user of namespace .* does not exist/);

  await kafka.createSecret('kafka-user', secretWith(planted('of another')));
  t.match(await messageOf('KafkaUnauthenticated'), /the broker does not let us in: SASL SCRAM/);

  await client.patch(secretKind, namespace, 'kafka-user', { data: base64(secretWith(password)) });
  t.match(
    await messageOf('KafkaForbidden'),
    `Kafka does not allow our user to describe the topic "${topic}"`,
  );

  await kafka.allow('mailer');
  t.match(await messageOf('NoGateway'), /No gateway is in the consumer group/);
  await installation.startGateway(t);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
});
