// One run of the demo in a cluster: everything it makes there, what it counts, and how it is taken away. Whatever happens, `stop` removes
// it; what a crash leaves is the namespace, which the next run removes.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { KubernetesClient, PodLogs, Resource } from '../../../core/contract/kubernetes-client.ts';
import { compileFilter, type Matches } from '../../../gateway/filter/compile-filter.ts';
import { topicsOf } from '../../local/required-topics.ts';
import { LiveView } from '../../status/live-view.ts';
import type { Earthquake } from '../earthquakes.ts';
import { untilQuiet } from '../wait-for-quiet.ts';
import { replayWeek } from '../replay-week.ts';
import type { DemoResult, DemoRun } from '../run-demo.ts';
import { FunctionLog } from '../function-log.ts';
import {
  clusterAccountLines,
  clusterAccountOf,
  clusterFaultsOf,
  type ClusterEvidence,
} from './cluster-account.ts';
import { copySecrets, createDemoNamespace } from './demo-namespace.ts';
import { placeExample, readExamples, type ClusterFunction } from './cluster-examples.ts';
import { Feeder } from './feeder.ts';
import { FollowedPods } from './followed-pods.ts';
import { findInstallation } from './installation.ts';
import { feedApp } from './pods.ts';
import { takeAway } from './remove-demo.ts';
import { TriggerStates } from './trigger-states.ts';
import { lineOf, tableOf, type ClusterStatus } from './cluster-view-lines.ts';

export interface ClusterSessionOptions {
  readonly client: KubernetesClient;
  readonly logs: PodLogs;
  readonly namespace: string;
  /** The manifests. */
  readonly folder: string;
  /** Of the first week. */
  readonly earthquakes: readonly Earthquake[];
  /** Takes nothing away at the end. */
  readonly keep: boolean;
  readonly stream: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

interface Played {
  readonly name: string;
  readonly resources: readonly Resource[];
  readonly matches: Matches;
  /** The ids of the events that its filter lets pass. */
  readonly wanted: Set<string>;
}

const readyLimitMs = 120_000;
/** A pod may have to wait for a node. */
const stallLimitMs = 180_000;

export class ClusterSession implements DemoRun {
  readonly #options: ClusterSessionOptions;
  readonly #view: LiveView<ClusterStatus>;
  readonly #witness = new FunctionLog();
  /** Ends the watches: later than the user's signal, for what is to be removed is watched. */
  readonly #end = new AbortController();
  #namespace: Resource | undefined;
  #played: Played[] = [];
  #topics: string[] = [];
  #pods: FollowedPods | undefined;
  #states: TriggerStates | undefined;
  #feeder: Feeder | undefined;
  #watching: NodeJS.Timeout | undefined;
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
    const { client, namespace, earthquakes, signal } = this.#options;
    const installation = await findInstallation(client, namespace);
    this.say(
      `Millrace is ${installation.namespace}/${installation.name}, of the image ${installation.image}`,
    );
    const place = { namespace, installation };
    const functions = await this.#readFunctions((example) => placeExample(example, place));
    this.#topics = topicsOf(functions.map(({ subscription }) => subscription));

    const say = (line: string): void => this.say(line);
    this.#namespace = await createDemoNamespace(client, namespace, { say, signal });
    signal.throwIfAborted();
    this.say(`the namespace ${namespace} is made; the demo takes it away again`);
    await copySecrets(client, installation, namespace);
    const pods = await this.#watch();
    const feeder = new Feeder({ client, pods, place, topics: this.#topics });
    this.#feeder = feeder;
    await feeder.store(earthquakes);
    await feeder.createTopics(signal);
    this.say(`created ${this.#topics.join(', ')}`);
    this.#played = functions.map(({ resources, subscription: { name, filters } }) => ({
      name,
      resources,
      matches: compileFilter(filters, () => undefined),
      wanted: new Set<string>(),
    }));
    for (const { resources } of functions) for (const resource of resources) await client.create(resource);
    await this.#untilReady();
  }

  /** Resolves when all has arrived and all functions sleep, or when nothing moves any more. Rejects when `signal` aborts. */
  async replay(earthquakes: readonly Earthquake[], week: number): Promise<void> {
    const { signal } = this.#options;
    const feeder = this.#feeder;
    if (feeder === undefined) throw new Error('the demo is not started');
    for (const { matches, wanted } of this.#played)
      for (const { event } of earthquakes) if (matches(event)) wanted.add(event.id);
    await replayWeek(earthquakes, {
      say: (line) => this.say(line),
      append: async (burst, index) => {
        this.#replayed += burst.earthquakes.length;
        await feeder.append(index, week, signal);
      },
      quiet: () => this.#quiet(),
      signal,
    });
  }

  /** What became of every record so far. Undefined where nothing had begun. */
  result(): DemoResult | undefined {
    if (this.#played.length === 0) return undefined;
    const account = clusterAccountOf(
      this.#appendedMs,
      this.#played.map((one) => this.#evidence(one)),
    );
    return {
      account,
      lines: clusterAccountLines(account),
      faults: clusterFaultsOf(account, this.#replayed),
    };
  }

  /** Takes everything away, at whichever point it is; tells what could not be. */
  async stop(): Promise<string[]> {
    this.#see();
    clearInterval(this.#watching);
    this.#view.stop();
    const left: string[] = [];
    if (this.#namespace !== undefined && this.#options.keep) this.#sayWhatIsKept();
    else if (this.#namespace !== undefined) left.push(...(await this.#takeAway(this.#namespace)));
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
        this.say(`${example.name} stays out: it is not written for Node, which is all that the image has`);
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
      onLine: (app, pod, line) => this.#hear(app, pod, line),
      signal,
    });
    this.#states = await TriggerStates.start(client, namespace, () => this.#see(), signal);
    this.#watching = setInterval(() => this.#see(), 50);
    return this.#pods;
  }

  async #untilReady(): Promise<void> {
    const deadlineMs = performance.now() + readyLimitMs;
    for (;;) {
      const states = this.#statuses();
      const lacking = states.find(({ ready }) => ready !== 'True');
      if (lacking === undefined) {
        for (const { name, reason } of states) this.say(`${name} is ready: ${reason}`);
        return;
      }
      if (performance.now() > deadlineMs) {
        const message = `${lacking.name} is not ready after ${readyLimitMs / 1000} s: ${lacking.reason}, ${lacking.message}`;
        throw new MillraceError('MILLRACE_DEMO_FAILED', message);
      }
      await sleep(50, undefined, { signal: this.#options.signal });
    }
  }

  #quiet(): Promise<boolean> {
    const now = () => this.#statuses().map((status) => ({ ...status, pods: this.#podCount(status.name) }));
    return untilQuiet({
      isOver: () =>
        now().every(({ owed, backlog, replicas, pods }) => {
          return owed === 0 && backlog === '0' && replicas.desired === 0 && pods === 0;
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
    return this.#played.map((one) => {
      const { name } = one;
      const arrived = this.#arrived(name);
      const owed = Math.max(0, this.#wanted(one) - arrived);
      return { name, ...states.trigger(name), replicas: states.replicas(name), arrived, owed };
    });
  }

  #evidence(one: Played): ClusterEvidence {
    const { name } = one;
    return {
      name,
      wanted: this.#wanted(one),
      arrivals: this.#witness.arrivals(name),
      maxReplicas: this.#witness.maxReady(name),
      finalReplicas: this.#podCount(name),
      finalBacklog: this.#states?.trigger(name).backlog ?? 'unknown',
    };
  }

  /** Of the records that were appended. */
  #wanted({ wanted }: Played): number {
    return [...this.#appendedMs.keys()].filter((id) => wanted.has(id)).length;
  }

  #arrived(name: string): number {
    return new Set(this.#witness.arrivals(name).map(({ id }) => id)).size;
  }

  #podCount(name: string): number {
    return this.#pods?.count(name) ?? 0;
  }

  #hear(app: string, pod: string, line: string): void {
    if (app === feedApp) this.#feeder?.hear(line);
    else if (!this.#witness.hear(app, line)) this.say(`${pod} ${line}`);
  }

  #see(): void {
    for (const { name } of this.#played) {
      const ready = this.#states?.replicas(name).ready ?? 0;
      this.#witness.see(name, { alive: this.#podCount(name), ready });
    }
  }

  async #takeAway(namespace: Resource): Promise<string[]> {
    this.say('removing the triggers, their topics and the namespace');
    const resources = this.#played.flatMap((one) => one.resources);
    const made = { namespace, resources, topics: this.#topics };
    const states = this.#states;
    const left = await takeAway(made, { client: this.#options.client, states, feeder: this.#feeder });
    if (left.length === 0) this.say('removed: the cluster and its Kafka are as they were');
    return left;
  }

  #sayWhatIsKept(): void {
    const { namespace } = this.#options;
    this.say(
      `Everything stays until the next run, or until you remove it: kubectl delete namespace ${namespace}`,
    );
    const topics = this.#topics.join('|').replaceAll('.', '\\.');
    this.say(
      `and, where your Kafka is: kafka-topics.sh --bootstrap-server HOST:PORT --delete --topic '${topics}'`,
    );
  }
}
