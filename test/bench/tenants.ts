// The tenants of the control plane's benchmark: namespaces with KafkaClusters, Deployments of 0 replicas and suspended triggers for them, and
// the changes that are measured.
import { createKubernetesClient } from '../../core/kubernetes/api-client.ts';
import { openConnection } from '../../core/kubernetes/api-connection.ts';
import { deploymentKind, kafkaClusterKind, namespaceKind, triggerKind } from '../../core/resources/kinds.ts';
import type { Resource, ResourceKind } from '../../core/contract/kubernetes-client.ts';
import { statusOf } from '../../controller/plan/status.ts';
import { until } from '../scaler/fixtures/until.ts';

export type Tenants = {
  /** Creates everything. Resolves when the controller has written the last status, to the seconds since the first trigger. */
  create(): Promise<number>;
  writeStatus(index: number): Promise<unknown>;
  editCluster(index: number): Promise<unknown>;
  editTrigger(index: number): Promise<unknown>;
  close(): Promise<void>;
};

const namespaces = 20;
const inFlight = 20;

export async function openTenants(kubeconfig: string, triggers: number, brokers: string): Promise<Tenants> {
  const connection = await openConnection({ kubeconfig });
  const client = createKubernetesClient({ connection });
  const clusters = triggers / 10;
  const namespaceOf = (index: number): string => `tenant-${(index % clusters) % namespaces}`;
  const resource = (
    { apiVersion, kind }: ResourceKind,
    name: string,
    namespace: string,
    spec: object,
  ): Resource => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec,
  });
  const settled = new Set<string>();
  const ending = new AbortController();

  async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) await work(next++);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  }

  return {
    async create() {
      for (let index = 0; index < namespaces; index++)
        await client.create({
          apiVersion: namespaceKind.apiVersion,
          kind: namespaceKind.kind,
          metadata: { name: `tenant-${index}` },
        });
      await inParallel(clusters, (index) =>
        client.create(
          resource(kafkaClusterKind, `k${index}`, namespaceOf(index), { bootstrapServers: brokers }),
        ),
      );
      await inParallel(triggers, (index) => client.create(deployment(`f${index}`, namespaceOf(index))));
      await client.watch(triggerKind, { signal: ending.signal }, (changes) => {
        for (const { after } of changes)
          if (after !== undefined && isSettled(after)) settled.add(after.metadata.name);
      });
      const startMs = performance.now();
      await inParallel(triggers, (index) =>
        client.create(
          resource(triggerKind, `t${index}`, namespaceOf(index), {
            suspend: true,
            source: { cluster: `k${index % clusters}`, topics: [`orders-${index}`] },
            filters: [{ cel: `data.amount > ${index}` }],
            function: { ref: { name: `f${index}` } },
          }),
        ),
      );
      await until(() => settled.size === triggers, 900_000);
      return (performance.now() - startMs) / 1000;
    },

    writeStatus: (index) =>
      client.apply(
        {
          apiVersion: triggerKind.apiVersion,
          kind: triggerKind.kind,
          metadata: { name: `t${index % triggers}`, namespace: namespaceOf(index % triggers) },
          status: { replicas: index },
        },
        { fieldManager: 'bench', force: true, subresource: 'status' },
      ),

    editCluster: (index) =>
      client.patch(kafkaClusterKind, namespaceOf(index % clusters), `k${index % clusters}`, {
        spec: { bootstrapServers: `${brokers},127.0.0.1:${1 + index}` },
      }),

    editTrigger: (index) =>
      client.patch(triggerKind, namespaceOf(index), `t${index}`, {
        spec: { delivery: { retry: index % 9 } },
      }),

    async close() {
      ending.abort();
      await connection.close();
    },
  };
}

function isSettled(trigger: Resource): boolean {
  const { observedGeneration, conditions = [] } = statusOf(trigger);
  const scaled = conditions.find(({ type }) => type === 'ScalerReady');
  return observedGeneration === trigger.metadata.generation && scaled?.reason === 'WaitingForKeda';
}

/** Paused, so that Kubernetes makes no ReplicaSet of it. */
function deployment(name: string, namespace: string): Resource {
  const labels = { app: name };
  return {
    apiVersion: deploymentKind.apiVersion,
    kind: deploymentKind.kind,
    metadata: { name, namespace },
    spec: {
      replicas: 0,
      paused: true,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'function', image: 'none' }] } },
    },
  };
}
