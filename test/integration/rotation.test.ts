// Passwords, certificates, CAs and client secrets that are replaced under load, in a KafkaCluster or in the file that KAFKA_CONFIG names: no
// record is lost or repeated, KEDA gets the right backlog at each poll, old connections are closed, and as many new ones use the new credentials.
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createAuthority, type Authority } from '../fixtures/access/authority.ts';
import { connectionsTo, countConnects } from '../fixtures/connections.ts';
import { planted } from '../fixtures/secrets/planted.ts';
import {
  beginRotation,
  flows,
  credentialPlaces,
  untilPolled,
  type Rotation,
} from '../fixtures/kafka/rotation.ts';
import { startSecureKafka } from '../fixtures/kafka/secure-kafka.ts';
import { maxReauthMs, type ListenerName } from '../fixtures/kafka/secure-listeners.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(600_000);
const limit = { timeout: 110_000 };

for (const place of credentialPlaces) {
  t.test(
    `gateway and scaler follow ${place === 'KafkaCluster' ? 'a KafkaCluster' : 'the file of KAFKA_CONFIG'}`,
    async (t) => {
      const kafka = await startSecureKafka(t);
      const open = (listener: ListenerName): Socket[] => connectionsTo(kafka.addresses[listener]);
      const counting = (t: Test, listener: ListenerName) => countConnects(t, kafka.addresses[listener]);
      /** What `turns` of all connections take: each is made anew once, and gateway and scaler prove what they take on. */
      const mostConnects = (connections: readonly Socket[], turns = 1): number =>
        turns * (2 * connections.length + 2);

      /** Cuts all connections, and proves that work goes on over new ones. */
      const cutAll = async (t: Test, listener: ListenerName, rotation: Rotation): Promise<void> => {
        const { oracle, gateway, polls } = rotation;
        for (const socket of open(listener)) socket.destroy(new Error('cut by the test'));
        const { delivered } = oracle;
        await oracle.produce(100);
        await until(() => oracle.delivered === delivered + 100);
        t.match(gateway.trigger(), { state: 'consuming', reason: '' });
        await untilPolled(polls);
        await polls.stop();
        t.strictSame(polls.wrong(), []);
      };

      t.test('a new password, set at the broker first', limit, async (t) => {
        const rotation = await beginRotation(t, kafka, 'tls-scram-sha-512', place);
        const old = open('SASL_TLS');
        t.ok(old.length > 0);
        const { sasl } = rotation.before;
        if (sasl?.mechanism !== 'scram-sha-512') throw new Error('this client has no password');
        const renewed = { ...sasl, mechanism: 'scram-sha-512', password: planted('another') } as const;
        await kafka.changePassword(renewed);
        const connects = counting(t, 'SASL_TLS');
        await flows(rotation.oracle);
        await rotation.renew({ ...rotation.before, sasl: renewed });
        await until(() => old.every(({ destroyed }) => destroyed), 40_000);
        await rotation.end();
        // Sessions by the old password end meanwhile, too.
        const count = connects.stop();
        t.ok(count <= mostConnects(old, 2), `${old.length} connections, ${count} connects`);
        await cutAll(t, 'SASL_TLS', rotation);
      });

      t.test('a new client certificate, and a new CA on both sides', limit, async (t) => {
        const rotation = await beginRotation(t, kafka, 'mutual-tls', place);
        const old = open('MUTUAL');
        t.ok(old.length > 0);
        const next = await createAuthority('/CN=next CA');
        const both = `${kafka.authority.certificate}${next.certificate}`;
        const serving = (authority: Authority) =>
          authority.issue({ subject: '/CN=broker', names: ['DNS:localhost', 'IP:127.0.0.1'] });
        const own = await next.issue({ subject: `/O=geo/CN=${kafka.principal('mutual-tls')}` });
        // At first, both sides trust both CAs.
        await kafka.changeCertificate('MUTUAL', await serving(kafka.authority), both);
        const connects = counting(t, 'MUTUAL');
        await rotation.renew({ ...rotation.before, tls: { ca: both, verifyHostname: true, ...own } });
        await until(() => old.every(({ destroyed }) => destroyed), 40_000);
        const count = connects.stop();
        t.ok(count <= mostConnects(old), `${old.length} connections, ${count} connects`);
        await kafka.changeCertificate('MUTUAL', await serving(next), next.certificate);
        const between = open('MUTUAL');
        await rotation.renew({
          ...rotation.before,
          tls: { ca: next.certificate, verifyHostname: true, ...own },
        });
        await until(() => between.every(({ destroyed }) => destroyed), 40_000);
        await rotation.end();
        await cutAll(t, 'MUTUAL', rotation);
      });

      t.test('a new client secret, while sessions expire', limit, async (t) => {
        const rotation = await beginRotation(t, kafka, 'tls-oauthbearer', place);
        const startMs = Date.now();
        const [old, connects] = [open('SASL_TLS'), counting(t, 'SASL_TLS')];
        const { sasl } = rotation.before;
        if (sasl?.mechanism !== 'oauthbearer') throw new Error('this client has no token');
        const asked = kafka.provider.requests.length;
        kafka.provider.register(sasl.clientId ?? '', planted('another'));
        await rotation.renew({ ...rotation.before, sasl: { ...sasl, clientSecret: planted('another') } });
        t.strictSame([...new Set(kafka.provider.requests.slice(asked).map(({ status }) => status))], [200]);
        await until(() => Date.now() > startMs + maxReauthMs + 3_000, 2 * maxReauthMs);
        await rotation.end();
        const count = connects.stop();
        const sessions = Math.ceil((Date.now() - startMs) / maxReauthMs) + 1;
        // What nobody asks for meanwhile is not opened again.
        t.ok(
          count > 0 && count <= mostConnects(old, sessions),
          `${old.length} connections, ${count} connects`,
        );
        await cutAll(t, 'SASL_TLS', rotation);
      });
    },
  );
}
