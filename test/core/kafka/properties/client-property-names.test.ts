import fc from 'fast-check';
import t from 'tap';
import { judgeName, takenProperties } from '../../../../core/kafka/properties/client-property-names.ts';

/** `configDef().names()` of the producer, the consumer and the admin client of Kafka 4.4, without those that are taken or refused. */
const passedOver = `
acks allow.auto.create.topics auto.commit.interval.ms auto.offset.reset batch.size bootstrap.controllers
bootstrap.resolve.timeout.ms buffer.memory buffer.memory.allocation.strategy check.crcs client.dns.lookup
compression.gzip.level compression.lz4.level compression.type compression.zstd.level
connections.max.idle.ms default.api.timeout.ms delivery.timeout.ms enable.auto.commit enable.idempotence
enable.metrics.push exclude.internal.topics fetch.max.bytes fetch.max.wait.ms fetch.min.bytes group.id
group.instance.id group.protocol group.remote.assignor heartbeat.interval.ms interceptor.classes
internal.throw.on.fetch.stable.offset.unsupported isolation.level key.deserializer key.serializer linger.ms
max.block.ms max.in.flight.requests.per.connection max.partition.fetch.bytes max.poll.interval.ms
max.poll.records max.request.size metadata.cluster.check.enable metadata.max.age.ms metadata.max.idle.ms
metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy metric.reporters metrics.num.samples
metrics.recording.level metrics.sample.window.ms partition.assignment.strategy
partitioner.adaptive.partitioning.enable partitioner.availability.timeout.ms partitioner.class
partitioner.ignore.keys partitioner.rack.aware receive.buffer.bytes reconnect.backoff.max.ms
reconnect.backoff.ms request.timeout.ms retries retry.backoff.max.ms retry.backoff.ms
sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds
sasl.login.refresh.min.period.seconds sasl.login.refresh.window.factor sasl.login.refresh.window.jitter
sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms sasl.oauthbearer.allow.unverified.audience
sasl.oauthbearer.allow.unverified.issuer sasl.oauthbearer.clock.skew.seconds
sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer sasl.oauthbearer.header.urlencode
sasl.oauthbearer.jwks.endpoint.refresh.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms sasl.oauthbearer.jwks.endpoint.url
sasl.oauthbearer.jwt.validator.class sasl.oauthbearer.scope.claim.name sasl.oauthbearer.sub.claim.name
send.buffer.bytes session.timeout.ms share.acknowledgement.mode share.acquire.mode
socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms ssl.protocol
ssl.secure.random.implementation transaction.timeout.ms transaction.two.phase.commit.enable transactional.id
value.deserializer value.serializer
`;

t.test('each of the names that are taken is', async (t) => {
  for (const name of takenProperties) t.strictSame(judgeName(name), { kind: 'taken', name });
});

t.test('what else a Kafka client knows, and what others write beside it, means nothing', async (t) => {
  const others = 'schema.registry.url basic.auth.credentials.source consumer.group.id key value x.y.z';
  for (const name of `${passedOver} ${others}`.trim().split(/\s+/))
    t.strictSame(judgeName(name), { kind: 'meaningless' }, name);
});

t.test('what Millrace cannot follow is refused, with what to do instead', async (t) => {
  for (const [name, remedy] of [
    ['sasl.kerberos.service.name', /Kerberos is not spoken/],
    ['sasl.kerberos.kinit.cmd', /Kerberos is not spoken/],
    ['sasl.oauthbearer.assertion.claim.iss', /sasl\.oauthbearer\.assertion\.file/],
    ['sasl.oauthbearer.assertion.private.key.file', /sasl\.oauthbearer\.assertion\.file/],
    ['sasl.oauthbearer.jwt.retriever.class', /client credentials/],
    ['sasl.login.class', /Java classes/],
    ['sasl.client.callback.handler.class', /Java classes/],
    ['ssl.provider', /Node\.js/],
    ['ssl.engine.factory.class', /Node\.js/],
    ['ssl.keymanager.algorithm', /Node\.js/],
    ['ssl.trustmanager.algorithm', /Node\.js/],
    ['security.providers', /Node\.js/],
    ['ssl.cipher.suites', /Node\.js/],
    ['config.providers', /Write the values themselves/],
    ['config.providers.file.class', /Write the values themselves/],
  ] as const) {
    t.match(
      judgeName(name),
      { kind: 'wrong', message: 'is a property that Millrace cannot follow', remedy },
      name,
    );
  }
});

t.test('a name near to one that is taken is a slip, and librdkafka has names of its own', async (t) => {
  for (const [name, meant] of [
    ['boostrap.servers', 'bootstrap.servers'],
    ['bootstrap.server', 'bootstrap.servers'],
    ['Client.Id', 'client.id'],
    ['security.protocl', 'security.protocol'],
    ['sasl.mechanisms', 'sasl.mechanism'],
    ['sasl.jaas.conf', 'sasl.jaas.config'],
    ['ssl.truststore.certificate', 'ssl.truststore.certificates'],
    ['ssl.trust.store.location', 'ssl.truststore.location'],
    ['sasl.oauthbearer.client.id', 'sasl.oauthbearer.client.credentials.client.id'],
    ['sasl.username', 'sasl.jaas.config'],
    ['ssl.ca.location', 'ssl.truststore.location'],
    ['ssl.key.pem', 'ssl.keystore.key'],
    ['metadata.broker.list', 'bootstrap.servers'],
  ] as const) {
    const remedy = `Did you mean \`${meant}\`?`;
    t.strictSame(judgeName(name), { kind: 'wrong', shown: name, message: 'is no property of Kafka', remedy });
  }
});

t.test(
  'any other name that begins as those of security do is a mistake too, and told as far as it is known',
  async (t) => {
    for (const [name, shown, remedy] of [
      ['ssl.xyzzy.plugh.frobnicate', 'ssl.…', 'Remove the line.'],
      ['security.x', 'security.…', 'Remove the line.'],
      ['ssl.key.passwordS3cret', 'ssl.key.password…', 'Did you mean `ssl.key.password`?'],
      ['ssl.keystore.cert', 'ssl.keystore.cert…', 'Did you mean `ssl.keystore.certificate.chain`?'],
    ] as const) {
      t.strictSame(judgeName(name), { kind: 'wrong', shown, message: 'is no property of Kafka', remedy });
    }
  },
);

t.test('a line of a key that lost its backslash is not taken for a name', async (t) => {
  const base64 = fc.string({
    unit: fc.constantFrom(...Array.from('ABCDEFabcdef0123456789+/')),
    minLength: 20,
    maxLength: 64,
  });
  fc.assert(fc.property(base64, (line) => t.strictSame(judgeName(line), { kind: 'meaningless' })));
});

t.test('a name as long as a file is compared with none', async (t) => {
  t.strictSame(judgeName('x'.repeat(1_000_000)), { kind: 'meaningless' });
  t.match(judgeName(`ssl.${'x'.repeat(1_000_000)}`), { shown: 'ssl.…', remedy: 'Remove the line.' });
});
