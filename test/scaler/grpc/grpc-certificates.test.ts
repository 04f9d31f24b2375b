// TLS as KEDA speaks it: a real gRPC client, certificates in files that change under a running server.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials, status, type ChannelCredentials, type Client, type ServiceError } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { WatchedGroups } from '../../../scaler/activation/watched-groups.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { openCertificates } from '../../../scaler/grpc/grpc-certificates.ts';
import { loadExternalScaler } from '../../../scaler/grpc/proto-definition.ts';
import { startGrpcServer } from '../../../scaler/grpc/grpc-server.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { makeCertificate } from '../fixtures/certificates.ts';
import { until } from '../fixtures/until.ts';

type Pair = Awaited<ReturnType<typeof makeCertificate>>;

/** Writes `pair` to the files that the server reads. */
async function install(folder: string, { cert, key }: Pair): Promise<void> {
  await Promise.all([writeFile(join(folder, 'tls.crt'), cert), writeFile(join(folder, 'tls.key'), key)]);
}

const filesIn = (folder: string) => ({ certPath: join(folder, 'tls.crt'), keyPath: join(folder, 'tls.key') });

/** The service on TLS, over a trigger `geo/a` that is always active. */
async function serve(t: Test, folder: string, clientCaPath?: string) {
  const triggers = createWantedTriggers();
  triggers.replace([subscriptionOf('a')]);
  const events = createScalerEmitter();
  const scaling = {
    metricSpec: () => ({ metricName: 'millrace-a', targetSize: 1 }),
    metric: () => Promise.resolve(1n),
    isActive: () => Promise.resolve(true),
    onActive(_key: string, listener: () => void) {
      const timer = setInterval(listener, 10);
      return () => clearInterval(timer);
    },
  };
  const server = await startGrpcServer({
    demand: scaling,
    groupDemand: scaling,
    groups: {} as WatchedGroups,
    triggers,
    emit: events.emit.bind(events),
    host: '127.0.0.1',
    port: 0,
    tls: { ...filesIn(folder), clientCaPath },
    tlsCheckMs: 10,
  });
  t.teardown(() => server.stop(100));
  return { port: server.port, events };
}

function connect(t: Test, port: number, channel: ChannelCredentials) {
  const client: Client = new (loadExternalScaler().client)(`localhost:${port}`, channel);
  t.teardown(() => client.close());
  const ref = { name: 'a', namespace: 'geo', scalerMetadata: {} };
  const methods = client as unknown as {
    IsActive(
      ref: object,
      options: object,
      callback: (error: ServiceError | null, answer: unknown) => void,
    ): void;
    StreamIsActive(ref: object): NodeJS.ReadableStream & { cancel(): void };
  };
  return {
    isActive: () =>
      new Promise((resolve, reject) => {
        methods.IsActive(ref, { deadline: Date.now() + 5_000 }, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        );
      }),
    stream() {
      const seen = { pushes: 0, ended: false };
      const stream = methods.StreamIsActive(ref);
      stream.on('data', () => (seen.pushes += 1)).on('error', () => (seen.ended = true));
      stream.on('end', () => (seen.ended = true));
      t.teardown(() => stream.cancel());
      return seen;
    },
  };
}

t.test('a rotation: streams go on, new connections see the new certificate', async (t) => {
  const folder = t.testdir();
  const [old, renewed] = await Promise.all([
    makeCertificate(folder, 'old'),
    makeCertificate(folder, 'renewed'),
  ]);
  await install(folder, old);
  const { port, events } = await serve(t, folder);
  const before = connect(t, port, credentials.createSsl(old.ca));
  t.strictSame(await before.isActive(), { result: true });
  const stream = before.stream();
  await until(() => stream.pushes >= 1);

  const changed = new Promise((resolve) => events.once('certificateChanged', resolve));
  const failed: string[] = [];
  events.on('certificateFailed', ({ message }) => failed.push(message));
  await writeFile(join(folder, 'tls.crt'), renewed.cert);
  await until(() => failed.length === 1);
  t.strictSame(
    await connect(t, port, credentials.createSsl(old.ca)).isActive(),
    { result: true },
    'half of it',
  );
  await writeFile(join(folder, 'tls.key'), renewed.key);
  t.match(await changed, /GMT$/);

  t.strictSame(await connect(t, port, credentials.createSsl(renewed.ca)).isActive(), { result: true });
  await t.rejects(connect(t, port, credentials.createSsl(old.ca)).isActive(), { code: status.UNAVAILABLE });
  const { pushes } = stream;
  await until(() => stream.pushes >= pushes + 3);
  t.equal(stream.ended, false);
  t.strictSame(await before.isActive(), { result: true });
});

t.test('with a client CA, only its clients are let in, and another CA takes its place', async (t) => {
  const folder = t.testdir();
  const [server, keda, other] = (await Promise.all(
    ['server', 'keda', 'other'].map((name) => makeCertificate(folder, name)),
  )) as [Pair, Pair, Pair];
  await install(folder, server);
  const clientCaPath = join(folder, 'clients.crt');
  await writeFile(clientCaPath, keda.ca);
  const { port, events } = await serve(t, folder, clientCaPath);
  const as = ({ key, cert }: Pair) =>
    connect(t, port, credentials.createSsl(server.ca, key, cert)).isActive();
  t.strictSame(await as(keda), { result: true });
  await t.rejects(as(other), { code: status.UNAVAILABLE });
  await t.rejects(connect(t, port, credentials.createSsl(server.ca)).isActive(), {
    code: status.UNAVAILABLE,
  });
  await t.rejects(connect(t, port, credentials.createInsecure()).isActive(), { code: status.UNAVAILABLE });
  const changed = new Promise((resolve) => events.once('certificateChanged', resolve));
  await writeFile(clientCaPath, other.ca);
  await changed;
  t.strictSame(await as(other), { result: true });
  await t.rejects(as(keda), { code: status.UNAVAILABLE });
});

t.test('both sides are renewed while KEDA is connected, and no push is lost for it', async (t) => {
  const folder = t.testdir();
  const [server, keda, newServer, newKeda] = (await Promise.all(
    ['server', 'keda', 'new-server', 'new-keda'].map((name) => makeCertificate(folder, name)),
  )) as [Pair, Pair, Pair, Pair];
  await install(folder, server);
  const clientCaPath = join(folder, 'clients.crt');
  await writeFile(clientCaPath, keda.ca);
  const { port, events } = await serve(t, folder, clientCaPath);
  const as = ({ key, cert }: Pair, { ca }: Pair) => connect(t, port, credentials.createSsl(ca, key, cert));
  const changed = () => new Promise((resolve) => events.once('certificateChanged', resolve));
  const before = as(keda, server);
  const stream = before.stream();
  await until(() => stream.pushes >= 1);

  const bothKnown = changed();
  await writeFile(clientCaPath, Buffer.concat([keda.ca, newKeda.ca]));
  await bothKnown;
  t.strictSame(await as(keda, server).isActive(), { result: true });
  t.strictSame(await as(newKeda, server).isActive(), { result: true }, 'a file of two authorities');

  const renewed = changed();
  await install(folder, newServer);
  await renewed;
  const newOnly = changed();
  await writeFile(clientCaPath, newKeda.ca);
  await newOnly;
  const after = as(newKeda, newServer);
  const newStream = after.stream();
  await until(() => newStream.pushes >= 1);
  await t.rejects(as(keda, newServer).isActive(), { code: status.UNAVAILABLE });
  await t.rejects(as(newKeda, server).isActive(), { code: status.UNAVAILABLE });
  const { pushes } = stream;
  await until(() => stream.pushes >= pushes + 3);
  t.equal(stream.ended, false, 'what KEDA had open goes on until it opens another');
  t.strictSame(await before.isActive(), { result: true });
});

t.test('files that do not match are rejected at the start', async (t) => {
  const folder = t.testdir({ 'none.crt': 'no certificate' });
  const [one, two] = await Promise.all([makeCertificate(folder, 'one'), makeCertificate(folder, 'two')]);
  const { emit } = createScalerEmitter();
  const rejects = (files: { certPath: string; keyPath: string; clientCaPath?: string }) =>
    t.rejects(openCertificates({ files, emit }), { code: 'MILLRACE_CONFIG_INVALID', message: /tls.crt/ });
  await rejects(filesIn(folder));
  await install(folder, { ...one, key: two.key });
  await rejects(filesIn(folder));
  await install(folder, one);
  await rejects({ ...filesIn(folder), clientCaPath: join(folder, 'none.crt') });
  const opened = await openCertificates({ files: filesIn(folder), emit });
  opened.close();
});
