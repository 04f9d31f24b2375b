// Passwords, certificates, authorities and client secrets that are replaced while records flow: none is lost, none comes twice, old
// connections end, and new ones are made with what is new.
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createAuthority, type Authority } from '../fixtures/authority.ts';
import { clusterManifests, type ClientSettings } from '../fixtures/client-settings.ts';
import { connectionsTo } from '../fixtures/connections.ts';
import { triggerManifest, useGateway, type TestGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName } from '../fixtures/kafka.ts';
import { serveFunction } from '../fixtures/oracle-function.ts';
import { createOracle, type Oracle } from '../fixtures/oracle.ts';
import { planted } from '../fixtures/planted.ts';
import { startSecureKafka, type ClientKind } from '../fixtures/secure-kafka.ts';
import { maxReauthMs, type ListenerName } from '../fixtures/secure-listeners.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);
const limit = { timeout: 110_000 };
const kafka = await startSecureKafka(t);
const { bootstrapServers } = kafka;

interface Stage {
  readonly oracle: Oracle;
  readonly gateway: TestGateway;
  readonly before: ClientSettings;
  /** Writes other credentials where the gateway reads them, and waits until it shows them. */
  renew(settings: ClientSettings): Promise<void>;
  end(): Promise<void>;
}

/** A gateway under load. */
async function begin(t: Test, kind: ClientKind): Promise<Stage> {
  const topic = await createTopic(t, bootstrapServers, { partitions: 3, name: kind });
  const group = uniqueName(kind);
  await kafka.grant(kind, [
    { operation: 'read', resource: 'topic', name: topic },
    { operation: 'read', resource: 'group', name: group },
  ]);
  const oracle = createOracle(t, { bootstrapServers, topic, group });
  const { uri } = await serveFunction(t, oracle);
  const manifests = (settings: ClientSettings): string[] => [
    triggerManifest(oracle, uri, { source: { cluster: kind } }),
    ...clusterManifests(kind, settings),
  ];
  let renewed = 0;
  const lines = new Writable({
    write(line: Buffer, _encoding, done) {
      if (line.includes('credentials renewed')) renewed += 1;
      done();
    },
  });
  const before = kafka.client(kind);
  const log = pino({ level: 'info' }, lines);
  const gateway = await useGateway(t, { bootstrapServers: '127.0.0.1:1', manifests: manifests(before), log });
  oracle.watchCommits();
  const endLoad = oracle.load();
  await until(() => oracle.delivered > 200);
  return {
    oracle,
    gateway,
    before,
    renew: async (settings) => {
      const wanted = renewed + 1;
      await gateway.edit(manifests(settings));
      await until(() => renewed === wanted, 30_000);
    },
    end: async () => {
      await flows(oracle);
      await endLoad();
      const verdict = await oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates, []);
      t.comment(`${verdict.records} records, longest pause ${verdict.longestPauseMs} ms`);
    },
  };
}

async function flows(oracle: Oracle): Promise<void> {
  const { delivered } = oracle;
  await until(() => oracle.delivered > delivered + 200);
}

/** Connections of this process to a listener; what tests set up goes by another one. */
const connections = (listener: ListenerName): Socket[] => connectionsTo(kafka.addresses[listener]);

/** Cuts all connections: work goes on by new ones. */
async function cutAll(t: Test, listener: ListenerName, { oracle, gateway }: Stage): Promise<void> {
  for (const socket of connections(listener)) socket.destroy(new Error('cut by the test'));
  const { delivered } = oracle;
  await oracle.produce(100);
  await until(() => oracle.delivered === delivered + 100);
  t.match(gateway.trigger(), { state: 'consuming', reason: '' });
}

t.test('a password, at the broker first', limit, async (t) => {
  const stage = await begin(t, 'tls-scram-sha-512');
  const old = connections('SASL_TLS');
  t.ok(old.length > 0);
  const { sasl } = stage.before;
  if (sasl?.mechanism !== 'scram-sha-512') throw new Error('this client has no password');
  const renewed = { ...sasl, mechanism: 'scram-sha-512', password: planted('another') } as const;
  await kafka.changePassword(renewed);
  await flows(stage.oracle);
  await stage.renew({ ...stage.before, sasl: renewed });
  await until(() => old.every(({ destroyed }) => destroyed), 40_000);
  await stage.end();
  await cutAll(t, 'SASL_TLS', stage);
});

t.test('a client certificate and the authority of both sides', limit, async (t) => {
  const stage = await begin(t, 'mutual-tls');
  const old = connections('MUTUAL');
  t.ok(old.length > 0);
  const next = await createAuthority('/CN=next CA');
  const both = `${kafka.authority.certificate}${next.certificate}`;
  const serving = (authority: Authority) =>
    authority.issue({ subject: '/CN=broker', names: ['DNS:localhost', 'IP:127.0.0.1'] });
  const own = await next.issue({ subject: `/O=geo/CN=${kafka.principal('mutual-tls')}` });
  // First both sides trust both.
  await kafka.changeCertificate('MUTUAL', await serving(kafka.authority), both);
  await stage.renew({ ...stage.before, tls: { ca: both, verifyHostname: true, ...own } });
  await until(() => old.every(({ destroyed }) => destroyed), 40_000);
  await kafka.changeCertificate('MUTUAL', await serving(next), next.certificate);
  const between = connections('MUTUAL');
  await stage.renew({ ...stage.before, tls: { ca: next.certificate, verifyHostname: true, ...own } });
  await until(() => between.every(({ destroyed }) => destroyed), 40_000);
  await stage.end();
  await cutAll(t, 'MUTUAL', stage);
});

t.test('the secret of a client, and sessions that end', limit, async (t) => {
  const stage = await begin(t, 'tls-oauthbearer');
  const startMs = Date.now();
  const { sasl } = stage.before;
  if (sasl?.mechanism !== 'oauthbearer') throw new Error('this client has no token');
  const asked = kafka.provider.requests.length;
  kafka.provider.register(sasl.clientId ?? '', planted('another'));
  await stage.renew({ ...stage.before, sasl: { ...sasl, clientSecret: planted('another') } });
  t.strictSame([...new Set(kafka.provider.requests.slice(asked).map(({ status }) => status))], [200]);
  await until(() => Date.now() > startMs + maxReauthMs + 3_000, 2 * maxReauthMs);
  await stage.end();
  await cutAll(t, 'SASL_TLS', stage);
});
