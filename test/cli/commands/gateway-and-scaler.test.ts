// `gateway` and `scaler` as they are deployed: processes that print where they listen, and end when they are asked to.
import t from 'tap';
import { createTopic, uniqueName, useKafka } from '../../fixtures/kafka/kafka.ts';
import { startCli } from '../fixtures/run-cli.ts';

t.test('gateway and scaler', async (t) => {
  const KAFKA_BROKERS = await useKafka(t);
  const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 1 });
  const trigger = `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: one }
spec:
  source: { topics: [${topic}], consumerGroup: ${uniqueName('planes')} }
  function: { uri: http://127.0.0.1:1/ }
`;
  const triggers = `${t.testdir({ 'one.yaml': trigger })}/one.yaml`;
  const env = { KAFKA_BROKERS };

  t.test('gateway', async (t) => {
    const gateway = startCli(t, ['gateway', '--triggers', triggers, '--admin-port', '0'], { env });
    const [, url] = await gateway.output(/^ADMIN_URL=(http:\/\/127\.0\.0\.1:\d+)$/m);
    t.equal((await fetch(`${url}/healthz`)).status, 200);
    gateway.interrupt();
    const { code, stdout, stderr } = await gateway.ended;
    t.match({ code, stdout }, { code: 0, stdout: `ADMIN_URL=${url}\n` });
    t.match(
      stderr,
      /"inFlight":0,"drainLimitMs":25000,"msg":"the gateway stops: .*\n.*all triggers have stopped.*\n.*the gateway has stopped"/,
    );
  });

  t.test('scaler', async (t) => {
    const args = ['scaler', '--triggers', triggers, '--grpc-port', '0', '--http-port', '0'];
    const scaler = startCli(t, args, { env });
    const [, url] = await scaler.output(/^SCALER_GRPC_PORT=\d+\nSCALER_URL=(http:\/\/127\.0\.0\.1:\d+)$/m);
    t.equal((await fetch(`${url}/healthz`)).status, 200);
    scaler.interrupt();
    t.match(await scaler.ended, { code: 0, stderr: /"the scaler stops: .*\n.*"the scaler has stopped"/ });
  });

  t.test('where they listen, as JSON', async (t) => {
    const gateway = startCli(t, ['gateway', '--triggers', triggers, '--admin-port', '0', '--json'], { env });
    await gateway.output(/^\{"adminUrl":"http:\/\/127\.0\.0\.1:\d+"\}\n$/);
    const ports = ['--grpc-port', '0', '--http-port', '0'];
    const scaler = startCli(t, ['scaler', '--triggers', triggers, ...ports, '--json'], { env });
    await scaler.output(/^\{"grpcPort":\d+,"url":"http:\/\/127\.0\.0\.1:\d+"\}\n$/);
  });

  t.test('--kubernetes and --kubeconfig are those of both', async (t) => {
    const kubeconfig = `${t.testdir({ none: '{' })}/none`;
    for (const command of ['gateway', 'scaler']) {
      const wrong = await startCli(t, [command, '--kubeconfig', kubeconfig], { env }).ended;
      t.match(wrong, { code: 2, stderr: /cannot read the kubeconfig .*none/ });
      const both = await startCli(t, [command, '--kubernetes', '--triggers', triggers], { env }).ended;
      t.match(both, {
        code: 2,
        stderr: /MILLRACE_TRIGGERS is .* expected nothing, as MILLRACE_KUBERNETES is true/,
      });
    }
  });

  t.test('missing settings are reported at once', async (t) => {
    const gateway = await startCli(t, ['gateway'], { env: { KAFKA_BROKERS: '' } }).ended;
    t.match(gateway, { code: 2, stderr: /KAFKA_BROKERS.*MILLRACE_TRIGGERS/s });
    const scaler = await startCli(t, ['scaler'], { env }).ended;
    t.match(scaler, { code: 2, stderr: /--triggers/ });
  });
});
