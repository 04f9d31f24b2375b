// Whether the scaler answers, asked of a gRPC server that wants to know who calls.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import t from 'tap';
import { createScalerProbe } from '../../../scaler/grpc/scaler-probe.ts';
import { loadExternalScaler } from '../../../scaler/grpc/proto-definition.ts';
import { makeCertificate } from '../fixtures/certificates.ts';
import { until } from '../fixtures/until.ts';

t.test('the scaler is shown its own certificate, as the file has it at the time', async (t) => {
  const folder = t.testdir();
  const own = await makeCertificate(folder, 'own');
  const other = await makeCertificate(folder, 'other');
  const server = new Server();
  server.addService(loadExternalScaler().definition, {
    GetMetricSpec: (_call: unknown, answer: (error: null, spec: object) => void) =>
      answer(null, { metricSpecs: [] }),
  });
  const pair = { private_key: own.key, cert_chain: own.cert };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('localhost:0', ServerCredentials.createSsl(own.ca, [pair], true), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  const scaler = { address: `localhost:${port}`, ca: own.ca.toString() };
  const tls = { certPath: join(folder, 'tls.crt'), keyPath: join(folder, 'tls.key') };
  const install = ({ cert, key }: typeof own) =>
    Promise.all([writeFile(tls.certPath, cert), writeFile(tls.keyPath, key)]);

  t.type(await createScalerProbe().ask(scaler, 'geo', 'quakes'), 'string', 'without one it is not let in');
  const probe = createScalerProbe(tls);
  t.match(
    await probe.ask(scaler, 'geo', 'quakes'),
    /ENOENT.*tls\./,
    'a file that cannot be read is reported',
  );
  await install(other);
  t.type(await createScalerProbe(tls).ask(scaler, 'geo', 'quakes'), 'string');
  await install(own);
  t.ok(await until(async () => (await probe.ask(scaler, 'geo', 'quakes')) === true));
});
