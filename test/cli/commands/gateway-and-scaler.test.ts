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
    t.match(await gateway.ended, { code: 0, stdout: `ADMIN_URL=${url}\n` });
  });

  t.test('scaler', async (t) => {
    const args = ['scaler', '--triggers', triggers, '--grpc-port', '0', '--http-port', '0'];
    const scaler = startCli(t, args, { env });
    const [, url] = await scaler.output(/^SCALER_GRPC_PORT=\d+\nSCALER_URL=(http:\/\/127\.0\.0\.1:\d+)$/m);
    t.equal((await fetch(`${url}/healthz`)).status, 200);
    scaler.interrupt();
    t.match(await scaler.ended, { code: 0 });
  });

  t.test('missing settings are reported at once', async (t) => {
    const gateway = await startCli(t, ['gateway'], { env: { KAFKA_BROKERS: '' } }).ended;
    t.match(gateway, { code: 1, stderr: /KAFKA_BROKERS.*MILLRACE_TRIGGERS/s });
    const scaler = await startCli(t, ['scaler'], { env }).ended;
    t.match(scaler, { code: 1, stderr: /--triggers/ });
  });
});
