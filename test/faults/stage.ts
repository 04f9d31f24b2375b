// One seed set up on the cluster: topics, oracle, function, and a place for each gateway, which knows its own way to Kafka and
// its own way to the function.
import { triggerManifest, type GatewayProcess } from '../fixtures/gateway.ts';
import { createTopic, uniqueName } from '../fixtures/kafka/kafka.ts';
import { serveFunction, type OracleFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { openTcpProxy, type TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { bounds } from './bounds.ts';
import { mostGateways, type Cluster, type Route } from './cluster.ts';
import { filter, isFiltered } from './load.ts';
import { createMoodyFunction, type MoodyFunction } from './misbehave.ts';
import type { Scenario } from './scenario.ts';
import type { Trouble } from './troubles.ts';

export type Teardown = { teardown(end: () => Promise<unknown>): unknown };

/** Where a gateway runs, in one process after the other. */
export type Seat = {
  name: string;
  route: Route;
  functionProxy: TcpProxy;
  manifest: string;
  process: GatewayProcess | undefined;
  /** A name for each process that was here; the last is the present one. */
  lives: string[];
  /** Its end is our doing. */
  isStopping: boolean;
};

export type Stage = {
  scenario: Scenario;
  cluster: Cluster;
  oracle: Oracle;
  topic: string;
  deadLetterTopic: string | undefined;
  seats: Seat[];
  fn: OracleFunction;
  moods: MoodyFunction;
  troubles: Trouble[];
  /** What is wrong besides what the oracle finds. */
  problems: string[];
  /** Worth saying, and allowed. */
  notes: string[];
  /** Tells what happens, as it happens. */
  say(line: string): void;
  /** What the gateways log. */
  logs: string[];
  scope: Teardown;
  isClusterSpoilt: boolean;
};

/**
 * Topics stay until the cluster goes: after some of the faults, a deletion leaves Kafka 4.4 with a controller that lets no broker
 * register any more ("existed in isrMembers, but not in the topics map").
 */
const kept: Teardown = { teardown: () => undefined };

export async function setStage(
  t: Teardown,
  cluster: Cluster,
  scenario: Scenario,
  say: (line: string) => void,
): Promise<Stage> {
  const { bootstrapServers } = cluster;
  const { shape } = scenario;
  const replicated = { replicas: 3, configs: { 'min.insync.replicas': '2' } };
  const topic = await createTopic(kept, bootstrapServers, {
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
      : await createTopic(kept, bootstrapServers, { partitions: 1, name: 'dead', ...replicated });
  const oracle = createOracle(t, {
    bootstrapServers,
    topic,
    group: uniqueName('group'),
    ordering: shape.ordering,
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    ...(shape.filters ? { isFiltered } : {}),
  });
  const moods = createMoodyFunction(oracle, shape);
  const seats: Seat[] = [];
  const fn = await serveFunction(t, oracle, (call) => moods.behave(call), {
    senderOf: (port) => senderOf(seats, port),
  });
  for (const route of cluster.routes.slice(0, mostGateways)) {
    const functionProxy = await openTcpProxy(t, { targetPort: fn.port });
    const uri = `http://127.0.0.1:${functionProxy.port}/`;
    seats.push({
      name: `gateway ${seats.length + 1}`,
      route,
      functionProxy,
      manifest: manifestOf(oracle, scenario, uri),
      process: undefined,
      lives: [],
      isStopping: false,
    });
  }
  const told = { troubles: [], problems: [], notes: [], logs: [] };
  return {
    scenario,
    cluster,
    oracle,
    topic,
    deadLetterTopic,
    seats,
    fn,
    moods,
    ...told,
    say,
    scope: t,
    isClusterSpoilt: false,
  };
}

function senderOf(seats: readonly Seat[], port: number) {
  for (const seat of seats) {
    const link = seat.functionProxy.link(port);
    if (link !== undefined)
      return { gateway: seat.lives.at(-1) ?? seat.name, link, isStopping: () => seat.isStopping };
  }
  return undefined;
}

function manifestOf(oracle: Oracle, { shape }: Scenario, uri: string): string {
  const { contentMode, concurrency, retry, timeoutMs, filters } = shape;
  return triggerManifest(oracle, uri, {
    filters: filters ? [filter] : [],
    function: {
      contentMode,
      concurrency,
      ...(contentMode === 'batched' ? { batch: { maxEvents: 20, maxWait: 'PT0.02S' } } : {}),
    },
    delivery: { retry, timeout: `PT${timeoutMs / 1000}S`, backoffDelay: 'PT0.1S', backoffMax: 'PT1S' },
  });
}

/** Faults of our doing, and times in which the group took no commits, which nobody in it can help but its leader. */
export function troublesOf({ troubles, oracle }: Stage): Trouble[] {
  const standstills = oracle.standstills.filter(({ fromMs, toMs }) => toMs - fromMs >= bounds.standstillMs);
  return [...troubles, ...standstills.map((times) => ({ what: 'the group took no commits', ...times }))];
}

/** Kafka cannot be counted on from now on, until the returned function is called. */
export function beginTrouble(
  stage: Stage,
  trouble: Pick<Trouble, 'what' | 'gateway' | 'cutsOff'>,
): () => void {
  const begun: Trouble = { ...trouble, fromMs: Date.now(), toMs: Infinity };
  stage.troubles.push(begun);
  return () => (begun.toMs = Date.now());
}
