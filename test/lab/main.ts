// npm run lab: a cluster to try things in, until Ctrl-C. npm run test:e2e uses it if the variables that it prints are set.
import { join } from 'node:path';
import { startCluster } from './cluster.ts';

const cluster = await startCluster();
console.log(`export KUBECONFIG=${cluster.kubeconfig}`);
console.log(`export MILLRACE_TEST_CLUSTER=${join(cluster.dir, 'cluster.json')}`);
console.log(`Kafka is at ${cluster.bootstrapServers}.`);
const alive = setInterval(() => {}, 60_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(alive);
    void cluster.stop();
  });
}
