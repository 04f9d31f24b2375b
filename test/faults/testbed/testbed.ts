// What one seed runs on: topics, oracle, function, and a slot for each gateway with its own proxies to Kafka and to the function.
import { triggerManifest, type GatewayProcess } from '../../fixtures/gateway.ts';
import { createTopic, uniqueName } from '../../fixtures/kafka/kafka.ts';
import { serveFunction, type OracleFunction } from '../../fixtures/oracle/oracle-function.ts';
import { createOracle, type Oracle } from '../../fixtures/oracle/oracle.ts';
import { openTcpProxy, type TcpProxy } from '../../fixtures/kafka/tcp-proxy.ts';
import { bounds } from '../bounds.ts';
import { mostGateways, type Cluster, type Route } from './broker-cluster.ts';
import { filter, isFiltered } from './load.ts';
import { createFaultyFunction, type FaultyFunction } from './faulty-function.ts';
import type { Exposure } from '../../fixtures/oracle/oracle-evidence.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SecondTopic, witnessOf } from './second-topic.ts';
import type { Disruption } from './disruptions.ts';
import type { Teardown } from './scope.ts';

/** Runs one gateway process after another. */
export type GatewaySlot = {
  name: string;
  route: Route;
  functionProxy: TcpProxy;
  manifest: string;
  process: GatewayProcess | undefined;
  /** A name for each process of this slot. The last one is current. */
  instances: string[];
  /** The test ends this process, so its exit is expected. */
  isStopping: boolean;
};

export type Testbed = {
  scenario: Scenario;
  cluster: Cluster;
  oracle: Oracle;
  topic: string;
  /** In scenarios where a part gets into trouble. */
  second: SecondTopic | undefined;
  deadLetterTopic: string | undefined;
  slots: GatewaySlot[];
  fn: OracleFunction;
  faultyFunction: FaultyFunction;
  disruptions: Disruption[];
  /** Problems besides those that the oracle finds. */
  problems: string[];
  /** Allowed, and worth reporting. */
  notes: string[];
  /** Reports each step as it happens. */
  report(line: string): void;
  /** The logs of the gateways. */
  logs: string[];
  /** How long a process has had too little CPU. */
  starvedMs: number;
  scope: Teardown;
  isClusterBroken: boolean;
};

/**
 * Topics stay until the cluster is stopped: after some faults, deleting one leaves Kafka 4.4 with a controller that lets no broker
 * register any more ("existed in isrMembers, but not in the topics map").
 */
const keepTopics: Teardown = { teardown: () => undefined };

export async function createTestbed(
  t: Teardown,
  cluster: Cluster,
  scenario: Scenario,
  report: (line: string) => void,
): Promise<Testbed> {
  const { bootstrapServers } = cluster;
  const { shape } = scenario;
  const replicated = { replicas: 3, configs: { 'min.insync.replicas': '2' } };
  const topic = await createTopic(keepTopics, bootstrapServers, {
    partitions: shape.partitions,
    name: `faults-${scenario.seed}`,
    ...replicated,
  });
  const isMissing = scenario.tracks.some(({ steps }) =>
    steps.some(({ fault }) => fault.kind === 'dead-letter-missing'),
  );
  const deadLetterTopic = !shape.deadLetter
    ? undefined
    : isMissing
      ? uniqueName('dead')
      : await createTopic(keepTopics, bootstrapServers, { partitions: 1, name: 'dead', ...replicated });
  const read = { bootstrapServers, group: uniqueName('group'), ordering: shape.ordering };
  const brokerIds = cluster.brokers.map(({ id }) => id);
  const second = scenario.part === undefined ? undefined : new SecondTopic(t, read, brokerIds);
  await second?.create();
  const oracle = createOracle(t, {
    ...read,
    topic,
    ...(second === undefined ? {} : { otherTopics: [second.topic] }),
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    ...(shape.filters ? { isFiltered } : {}),
  });
  const witness = witnessOf(oracle, second);
  const faultyFunction = createFaultyFunction(witness, shape);
  const slots: GatewaySlot[] = [];
  const fn = await serveFunction(t, witness, (call) => faultyFunction.behave(call), {
    senderOf: (port) => senderOf(slots, port),
  });
  for (const route of cluster.routes.slice(0, mostGateways)) {
    const functionProxy = await openTcpProxy(t, { targetPort: fn.port });
    const uri = `http://127.0.0.1:${functionProxy.port}/`;
    slots.push({
      name: `gateway ${slots.length + 1}`,
      route,
      functionProxy,
      manifest: manifestOf(oracle, scenario, uri, second),
      process: undefined,
      instances: [],
      isStopping: false,
    });
  }
  const empty = { disruptions: [], problems: [], notes: [], logs: [] };
  return {
    scenario,
    cluster,
    oracle,
    topic,
    second,
    deadLetterTopic,
    slots,
    fn,
    faultyFunction,
    ...empty,
    report,
    starvedMs: 0,
    scope: t,
    isClusterBroken: false,
  };
}

function senderOf(slots: readonly GatewaySlot[], port: number) {
  for (const slot of slots) {
    const link = slot.functionProxy.link(port);
    if (link !== undefined)
      return { gateway: slot.instances.at(-1) ?? slot.name, link, isStopping: () => slot.isStopping };
  }
  return undefined;
}

function manifestOf(
  oracle: Oracle,
  { shape }: Scenario,
  uri: string,
  second: SecondTopic | undefined,
): string {
  const { contentMode, concurrency, retry, timeoutMs, filters } = shape;
  return triggerManifest(oracle, uri, {
    ...(second === undefined ? {} : { source: { topics: [oracle.options.topic, second.topic] } }),
    filters: filters ? [filter] : [],
    function: {
      contentMode,
      concurrency,
      ...(contentMode === 'batched' ? { batch: { maxEvents: 20, maxWait: 'PT0.02S' } } : {}),
    },
    delivery: { retry, timeout: `PT${timeoutMs / 1000}S`, backoffDelay: 'PT0.1S', backoffMax: 'PT1S' },
  });
}

/** Disruptions that the test caused, and times in which the group took no commits because its leader had not assigned partitions yet. */
export function disruptionsOf({ disruptions, oracle }: Testbed): Disruption[] {
  const standstills = oracle.standstills.filter(({ fromMs, toMs }) => toMs - fromMs >= bounds.standstillMs);
  return [...disruptions, ...standstills.map((times) => ({ what: 'the group took no commits', ...times }))];
}

/** Excuses redeliveries of every topic. */
export function exposeAll({ oracle, second }: Testbed, exposure: Exposure): void {
  oracle.expose(exposure);
  second?.oracle.expose(exposure);
}

/** Gateways cannot rely on Kafka from now on, until the returned function is called. */
export function beginDisruption(
  testbed: Testbed,
  disruption: Pick<Disruption, 'what' | 'gateway' | 'cutsOff'>,
): () => void {
  const begun: Disruption = { ...disruption, fromMs: Date.now(), toMs: Infinity };
  testbed.disruptions.push(begun);
  return () => (begun.toMs = Date.now());
}
