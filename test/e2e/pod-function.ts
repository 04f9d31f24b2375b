// A function in pods, as a user deploys it: a Deployment with annotations. Its pods forward each request to this process, where the oracle
// records and answers it.

import { serveFunction, type Behaviour, type OracleFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { createTopic, uniqueName } from '../fixtures/kafka/kafka.ts';
import type { TestCluster } from '../fixtures/kubernetes/cluster.ts';
import { addresses } from '../lab/network.ts';
import { images } from '../lab/millrace-image.ts';
import { until } from '../scaler/fixtures/until.ts';

type Teardown = { teardown(end: () => Promise<unknown>): unknown };

export type PodFunctionOptions = {
  namespace: string;
  name?: string;
  partitions?: number;
  ordering?: 'partition' | 'key';
  /** Names without the prefix. They override the defaults. */
  annotations?: Readonly<Record<string, string>>;
  behaviour?: Behaviour;
};

export type Replicas = { wanted: number; ready: number };

export class PodFunction {
  readonly cluster: TestCluster;
  readonly namespace: string;
  readonly name: string;
  readonly topic: string;
  readonly oracle: Oracle;
  readonly collector: OracleFunction;

  constructor(
    cluster: TestCluster,
    { namespace, name, topic }: { namespace: string; name: string; topic: string },
    oracle: Oracle,
    collector: OracleFunction,
  ) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.name = name;
    this.topic = topic;
    this.oracle = oracle;
    this.collector = collector;
  }

  /** Runs kubectl in the namespace of the function. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.cluster.kubectl(['--namespace', this.namespace, ...args], input);
  }

  async replicas(): Promise<Replicas> {
    const deployment = await this.get(`deployment/${this.name}`);
    return { wanted: deployment.spec.replicas, ready: deployment.status.readyReplicas ?? 0 };
  }

  /** The number of pods, including terminating ones. */
  async podCount(): Promise<number> {
    return (await this.kubectl(['get', 'pods', '-l', `app=${this.name}`, '-o', 'name']))
      .split('\n')
      .filter(Boolean).length;
  }

  /** The condition Ready of its Trigger; undefined before the controller has written it. */
  async ready(): Promise<{ status: string; reason: string; message: string } | undefined> {
    const trigger = await this.get(`trigger/${this.name}`);
    return trigger.status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
  }

  /** A resource from the API server. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  async get(resource: string): Promise<any> {
    return JSON.parse(await this.kubectl(['get', resource, '-o', 'json']));
  }

  async annotate(annotations: Readonly<Record<string, string | undefined>>): Promise<void> {
    const words = Object.entries(annotations).map(([key, value]) =>
      value === undefined ? `millrace.dev/${key}-` : `millrace.dev/${key}=${value}`,
    );
    await this.kubectl(['annotate', '--overwrite', 'deployment', this.name, ...words]);
  }

  /** Waits for the condition Ready. Rejects with the status of the Trigger. */
  async untilReady(limitMs = 90_000): Promise<void> {
    await this.#until(async () => (await this.ready())?.status === 'True', 'Ready', limitMs);
  }

  /** Waits until no replica is wanted and no pod is left. */
  async untilAsleep(limitMs = 90_000): Promise<void> {
    await this.#until(
      async () => (await this.replicas()).wanted === 0 && (await this.podCount()) === 0,
      'asleep',
      limitMs,
    );
  }

  async untilReplicas(atLeast: number, limitMs = 90_000): Promise<void> {
    await this.#until(
      async () => (await this.replicas()).ready >= atLeast,
      `${atLeast} replicas ready`,
      limitMs,
    );
  }

  async #until(condition: () => Promise<boolean>, what: string, limitMs: number): Promise<void> {
    await until(condition, limitMs).catch(async (cause: unknown) => {
      const said = await Promise.all(
        [`deployment/${this.name}`, `trigger/${this.name}`, `scaledobject/${this.name}`].map(
          async (resource) => {
            const found = await this.get(resource).catch((error: unknown) => String(error));
            return `${resource}: ${JSON.stringify(found.status ?? found, null, 1)}`;
          },
        ),
      );
      throw new Error(`${this.name} is not ${what} after ${limitMs} ms.\n${said.join('\n')}`, { cause });
    });
  }
}

/** Makes a topic, an oracle for it, and an annotated Deployment. */
export async function deployFunction(
  t: Teardown,
  cluster: TestCluster,
  options: PodFunctionOptions,
): Promise<PodFunction> {
  const { namespace, partitions = 6, ordering = 'key', annotations = {}, behaviour } = options;
  const name = options.name ?? uniqueName('function');
  const { bootstrapServers } = cluster;
  const topic = await createTopic(t, bootstrapServers, { partitions, name });
  const group = `millrace.${namespace}.${name}`;
  const oracle = createOracle(t, { bootstrapServers, topic, group, ordering });
  const collector = await serveFunction(t, oracle, behaviour, { host: addresses.host });
  const all = {
    topics: topic,
    port: '8080',
    'initial-offset': 'earliest',
    ordering,
    'polling-interval': '2',
    'cooldown-period': '2',
    ...annotations,
  };
  const manifest = deployment(name, collector.uri, all);
  await cluster.kubectl(['--namespace', namespace, 'apply', '-f', '-'], JSON.stringify(manifest));
  return new PodFunction(cluster, { namespace, name, topic }, oracle, collector);
}

function deployment(name: string, collector: string, annotations: Readonly<Record<string, string>>): unknown {
  const labels = { app: name };
  const prefixed = Object.entries(annotations).map(([key, value]) => [`millrace.dev/${key}`, value]);
  const container = {
    name: 'function',
    image: images.function.name,
    imagePullPolicy: 'Never',
    env: [{ name: 'COLLECTOR', value: collector }],
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
    resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '128Mi' } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, annotations: Object.fromEntries(prefixed) },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [container],
        },
      },
    },
  };
}
