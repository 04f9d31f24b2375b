// One run of the demo in a cluster: everything that it creates there, and what it counts. Whatever happens, `stop` removes all of it. A crash
// leaves the namespace behind, which the next run removes.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { KubernetesClient, PodLogs, Resource } from '../../../core/contract/kubernetes-client.ts';
import { compileFilter, type Matches } from '../../../gateway/filter/compile-filter.ts';
import { topicsOf } from '../../local/required-topics.ts';
import { LiveView } from '../../status/live-view.ts';
import type { Earthquake } from '../earthquakes.ts';
import { waitUntilIdle } from '../wait-until-idle.ts';
import { replayWeek } from '../replay-week.ts';
import type { DemoResult, DemoRun } from '../run-demo.ts';
import { FunctionLog } from '../function-log.ts';
import {
  clusterSummaryLines,
  summarizeCluster,
  clusterDiscrepancies,
  type ClusterObservation,
} from './cluster-summary.ts';
import { copySecrets, createDemoNamespace } from './demo-namespace.ts';
import { placeExample, readExamples, type ClusterFunction } from './cluster-examples.ts';
import { Feeder } from './feeder.ts';
import { FollowedPods } from './followed-pods.ts';
import { findInstallation } from './installation.ts';
import { feedApp } from './pods.ts';
import { removeDemo } from './remove-demo.ts';
import { TriggerStates } from './trigger-states.ts';
import { lineOf, tableOf, type ClusterStatus } from './cluster-view-lines.ts';

export interface ClusterSessionOptions {
  readonly client: KubernetesClient;
  readonly logs: PodLogs;
  readonly namespace: string;
  /** Folder of the manifests. */
  readonly folder: string;
  /** The earthquakes of the first week. */
  readonly earthquakes: readonly Earthquake[];
  /** Removes nothing at the end. */
  readonly keep: boolean;
  readonly stream: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

interface DemoFunction {
  readonly name: string;
  readonly resources: readonly Resource[];
  readonly matches: Matches;
  /** The ids of the events that pass its filter. */
  readonly wanted: Set<string>;
}

const readyLimitMs = 120_000;
/** A pod may have to wait for a node. */
const stallLimitMs = 180_000;

export class ClusterSession implements DemoRun {
  readonly #options: ClusterSessionOptions;
  readonly #view: LiveView<ClusterStatus>;
  readonly #functionLog = new FunctionLog();
  /** Ends the watches, later than the user's signal: the removal still needs them. */
  readonly #end = new AbortController();
  #namespace: Resource | undefined;
  #functions: DemoFunction[] = [];
  #topics: string[] = [];
  #pods: FollowedPods | undefined;
  #states: TriggerStates | undefined;
  #feeder: Feeder | undefined;
  #observing: NodeJS.Timeout | undefined;
  #replayed = 0;

  constructor(options: ClusterSessionOptions) {
    this.#options = options;
    this.#view = new LiveView({ stream: options.stream, read: () => this.#statuses(), tableOf, lineOf });
  }

  say(line: string): void {
    this.#view.print(line);
  }

  /** Resolves when everything is ready for the first earthquake. Rejects when `signal` aborts. */
  async start(): Promise<void> {
    const { client, namespace, earthquakes, keep, signal } = this.#options;
    const installation = await findInstallation(client, namespace);
    this.say(`found Millrace: ${installation.namespace}/${installation.name}, image ${installation.image}`);
    const place = { namespace, installation };
    const functions = await this.#readFunctions((example) => placeExample(example, place));
    this.#topics = topicsOf(functions.map(({ subscription }) => subscription));

    const say = (line: string): void => this.say(line);
    this.#namespace = await createDemoNamespace(client, namespace, { say, signal });
    signal.throwIfAborted();
    this.say(`created the namespace ${namespace}${keep ? '' : ', which the demo removes at the end'}`);
    await copySecrets(client, installation, namespace);
    const pods = await this.#watch();
    const feeder = new Feeder({ client, pods, place, topics: this.#topics });
    this.#feeder = feeder;
    await feeder.store(earthquakes);
    await feeder.createTopics(signal);
    this.say(`created ${this.#topics.join(', ')}`);
    this.#functions = functions.map(({ resources, subscription: { name, filters } }) => ({
      name,
      resources,
      matches: compileFilter(filters, () => undefined),
      wanted: new Set<string>(),
    }));
    for (const { resources } of functions) for (const resource of resources) await client.create(resource);
    await this.#untilReady();
  }

  /** Resolves when all events have arrived and all functions sleep, or when progress has stalled. Rejects when `signal` aborts. */
  async replay(earthquakes: readonly Earthquake[], week: number): Promise<void> {
    const { signal } = this.#options;
    const feeder = this.#feeder;
    if (feeder === undefined) throw new Error('the demo is not started');
    for (const { matches, wanted } of this.#functions)
      for (const { event } of earthquakes) if (matches(event)) wanted.add(event.id);
    await replayWeek(earthquakes, {
      say: (line) => this.say(line),
      append: async (burst, index) => {
        this.#replayed += burst.earthquakes.length;
        await feeder.append(index, week, signal);
      },
      waitUntilIdle: () => this.#waitUntilIdle(),
      signal,
    });
  }

  /** What became of every record so far; undefined if nothing was started. */
  result(): DemoResult | undefined {
    if (this.#functions.length === 0) return undefined;
    const summary = summarizeCluster(
      this.#appendedMs,
      this.#functions.map((one) => this.#observationOf(one)),
    );
    return {
      summary,
      lines: clusterSummaryLines(summary),
      discrepancies: clusterDiscrepancies(summary, this.#replayed),
    };
  }

  /** Removes everything, at any point of the run. Returns what could not be removed. */
  async stop(): Promise<string[]> {
    this.#observeReplicas();
    clearInterval(this.#observing);
    this.#view.stop();
    const left: string[] = [];
    if (this.#namespace !== undefined && this.#options.keep) this.#sayWhatIsKept();
    else if (this.#namespace !== undefined) left.push(...(await this.#removeDemo(this.#namespace)));
    this.#end.abort();
    return left;
  }

  get #appendedMs(): ReadonlyMap<string, number> {
    return this.#feeder?.appendedMs ?? new Map<string, number>();
  }

  async #readFunctions(
    place: (example: Awaited<ReturnType<typeof readExamples>>[number]) => ClusterFunction | undefined,
  ): Promise<ClusterFunction[]> {
    const functions: ClusterFunction[] = [];
    for (const example of await readExamples(this.#options.folder)) {
      const placed = place(example);
      if (placed === undefined)
        this.say(
          `the demo runs without ${example.name}: it is not written for Node, and the image has nothing else`,
        );
      else functions.push(placed);
    }
    return functions;
  }

  async #watch(): Promise<FollowedPods> {
    const { client, logs, namespace } = this.#options;
    const { signal } = this.#end;
    this.#pods = await FollowedPods.start({
      resources: client,
      logs,
      namespace,
      onLine: (app, pod, line) => this.#onLine(app, pod, line),
      signal,
    });
    this.#states = await TriggerStates.start(client, namespace, () => this.#observeReplicas(), signal);
    this.#observing = setInterval(() => this.#observeReplicas(), 50);
    return this.#pods;
  }

  async #untilReady(): Promise<void> {
    const deadlineMs = performance.now() + readyLimitMs;
    for (;;) {
      const states = this.#statuses();
      const notReady = states.find(({ ready }) => ready !== 'True');
      if (notReady === undefined) {
        for (const { name, reason } of states) this.say(`${name} is ready: ${reason}`);
        return;
      }
      if (performance.now() > deadlineMs) {
        const message = `${notReady.name} is not ready after ${readyLimitMs / 1000} s: ${notReady.reason}, ${notReady.message}`;
        throw new MillraceError('MILLRACE_DEMO_FAILED', message);
      }
      await sleep(50, undefined, { signal: this.#options.signal });
    }
  }

  #waitUntilIdle(): Promise<boolean> {
    const now = () => this.#statuses().map((status) => ({ ...status, pods: this.#podCount(status.name) }));
    return waitUntilIdle({
      isIdle: () =>
        now().every(({ pending, backlog, replicas, pods }) => {
          return pending === 0 && backlog === '0' && replicas.desired === 0 && pods === 0;
        }),
      progress: () => JSON.stringify(now()),
      stallLimitMs,
      say: (line) => this.say(line),
      signal: this.#options.signal,
    });
  }

  #statuses(): ClusterStatus[] {
    const states = this.#states;
    if (states === undefined) return [];
    return this.#functions.map((one) => {
      const { name } = one;
      const arrived = this.#arrived(name);
      const pending = Math.max(0, this.#wanted(one) - arrived);
      return { name, ...states.trigger(name), replicas: states.replicas(name), arrived, pending };
    });
  }

  #observationOf(one: DemoFunction): ClusterObservation {
    const { name } = one;
    return {
      name,
      wanted: this.#wanted(one),
      arrivals: this.#functionLog.arrivals(name),
      maxReplicas: this.#functionLog.maxReady(name),
      finalReplicas: this.#podCount(name),
      finalBacklog: this.#states?.trigger(name).backlog ?? 'unknown',
    };
  }

  /** How many of the appended records pass its filter. */
  #wanted({ wanted }: DemoFunction): number {
    return [...this.#appendedMs.keys()].filter((id) => wanted.has(id)).length;
  }

  #arrived(name: string): number {
    return new Set(this.#functionLog.arrivals(name).map(({ id }) => id)).size;
  }

  #podCount(name: string): number {
    return this.#pods?.count(name) ?? 0;
  }

  #onLine(app: string, pod: string, line: string): void {
    if (app === feedApp) this.#feeder?.readLine(line);
    else if (!this.#functionLog.readLine(app, line)) this.say(`${pod} ${line}`);
  }

  #observeReplicas(): void {
    for (const { name } of this.#functions) {
      const ready = this.#states?.replicas(name).ready ?? 0;
      this.#functionLog.observeReplicas(name, { alive: this.#podCount(name), ready });
    }
  }

  async #removeDemo(namespace: Resource): Promise<string[]> {
    this.say('removing the triggers, their topics and the namespace');
    const resources = this.#functions.flatMap((one) => one.resources);
    const made = { namespace, resources, topics: this.#topics };
    const states = this.#states;
    const left = await removeDemo(made, { client: this.#options.client, states, feeder: this.#feeder });
    if (left.length === 0) this.say('removed everything that the demo created in the cluster and in Kafka');
    return left;
  }

  #sayWhatIsKept(): void {
    const { namespace } = this.#options;
    this.say(
      `Everything is kept until the next run, or until you remove it: kubectl delete namespace ${namespace}`,
    );
    const topics = this.#topics.join('|').replaceAll('.', '\\.');
    this.say(
      `and, from where you reach your Kafka: kafka-topics.sh --bootstrap-server HOST:PORT --delete --topic '${topics}'`,
    );
  }
}
