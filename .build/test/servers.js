// The servers that tests share: each is started once, named to the tests in the environment, and stopped when no suite needs it any more.
import { join } from 'node:path';
import { indent, say } from './results.js';

/** By the name under which a suite asks for one. Where the environment has the variable already, the caller has a server. */
const SERVERS = {
  kafka: { variable: 'MILLRACE_TEST_KAFKA', start: startKafka },
  apiServer: { variable: 'MILLRACE_TEST_KUBERNETES', start: startApiServer },
  cluster: { variable: 'MILLRACE_TEST_CLUSTER', start: startCluster },
};
const running = new Map();

/** Starts those that are named, and stops the others. */
export async function shareServers(names) {
  await stopServers(names);
  for (const name of names) {
    const { variable, start } = SERVERS[name];
    if (process.env[variable]) continue;
    const { address, stop } = await start();
    process.env[variable] = address;
    running.set(name, stop);
  }
}

export async function stopServers(kept = []) {
  const ending = [...running].filter(([name]) => !kept.includes(name));
  for (const [name] of ending) {
    running.delete(name);
    delete process.env[SERVERS[name].variable];
  }
  await Promise.all(ending.map(([, stop]) => stop()));
}

async function startKafka() {
  const { ensureKafkaInstalled } = await import('../../cli/kafka/install-kafka.ts');
  const { startLocalKafka } = await import('../../cli/kafka/local-kafka.ts');
  const { classPath } = await ensureKafkaInstalled({ log: sayBelow });
  const [, version = ''] = /kafka_[\d.]+-([\d.]+)\.jar/.exec(classPath) ?? [];
  say(`starting Apache Kafka ${version} …`);
  const kafka = await startLocalKafka();
  return { address: kafka.bootstrapServers, stop: () => kafka.stop() };
}

/** A control plane without a node, for all that only watches and writes resources. */
async function startApiServer() {
  const { startControlPlane } = await import('../../test/lab/control-plane.ts');
  await buildTools('hyperkube', 'kubectl', 'helm', 'kubeconform');
  say('starting a Kubernetes API server …');
  const plane = await startControlPlane();
  return { address: plane.kubeconfig, stop: () => plane.stop() };
}

/** With KEDA in it, and a Kafka of its own. */
async function startCluster() {
  const lab = await import('../../test/lab/cluster.ts');
  await buildTools('helm');
  say('starting a cluster …');
  const cluster = await lab.startCluster(sayBelow);
  return { address: join(cluster.dir, 'cluster.json'), stop: () => cluster.stop() };
}

/** Before a test has to wait for them. */
async function buildTools(...tools) {
  const { toolPath } = await import('../../test/lab/tools.ts');
  for (const tool of tools) await toolPath(tool, sayBelow);
}

function sayBelow(line) {
  say(indent(line));
}
