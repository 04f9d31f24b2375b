// One run of the demo on this machine: everything that it starts and counts. Whatever happens, `stop` ends all of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatProblem } from '../../core/contract/manifest-problem.ts';
import { createFileSecrets } from '../../core/resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { openCluster } from '../../core/kafka/connection/clusters.ts';
import type { OpenedCluster } from '../../core/contract/record-source.ts';
import { LocalStack } from '../local/local-stack.ts';
import { shareTriggers, type SharedTriggers } from '../local/shared-triggers.ts';
import { topicsOf } from '../local/required-topics.ts';
import { ensureTopics, startOwnKafka, type UsedKafka } from '../local/use-kafka.ts';
import { LiveView } from '../status/live-view.ts';
import { lineOf, tableOf, type TriggerStatus } from '../status/table.ts';
import { summaryLines, summarizeDemo, demoDiscrepancies } from './demo-summary.ts';
import type { Earthquake } from './earthquakes.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { append, replayWeek } from './replay-week.ts';
import type { DemoResult, DemoRun } from './run-demo.ts';
import { FunctionLog } from './function-log.ts';

export interface SessionOptions {
  /** Folder of the manifests. */
  readonly folder: string;
  /** Names of the functions that cannot run on this machine. */
  readonly without: readonly string[];
  readonly stream: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

const topic = 'earthquakes';
const partitions = 6;
const stallLimitMs = 60_000;

export class DemoSession implements DemoRun {
  readonly #options: SessionOptions;
  readonly #view: LiveView<TriggerStatus>;
  readonly #functionLog = new FunctionLog();
  readonly #appendedMs = new Map<string, number>();
  #triggers: SharedTriggers | undefined;
  #kafka: UsedKafka | undefined;
  #stack: LocalStack | undefined;
  #cluster: OpenedCluster | undefined;
  #observing: NodeJS.Timeout | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { stream } = options;
    this.#view = new LiveView({ stream, read: () => this.#stack?.statuses() ?? [], tableOf, lineOf });
  }

  say(line: string): void {
    this.#view.print(line);
  }

  /** Resolves when the gateway is ready for the first earthquake. Rejects when `signal` aborts. */
  async start(): Promise<void> {
    const { env, signal } = this.#options;
    const manifests = createFileTriggers({
      path: this.#options.folder,
      checkExpression,
      onProblems: (problems) => {
        for (const problem of problems) this.say(formatProblem(problem));
      },
    });
    this.#triggers = await shareTriggers(manifests, ({ name }) => !this.#options.without.includes(name));
    this.say('starting Kafka');
    this.#kafka = await startOwnKafka({ log: (line) => this.say(line), signal });
    const { bootstrapServers } = this.#kafka;
    this.say('starting gateway and scaler');
    this.#cluster = openCluster({ brokers: [bootstrapServers], clientId: 'millrace-demo' });
    this.#stack = await LocalStack.start({
      kafka: this.#kafka,
      manifests: this.#options.folder,
      secrets: createFileSecrets(this.#options.folder),
      // The demo's Kafka is removed at the end, so requests that a stop cuts short are never repeated anyway.
      env: { MILLRACE_DRAIN_LIMIT: 'PT2S', ...env },
      triggers: this.#triggers,
      onTriggers: async (wanted) => {
        await ensureTopics(bootstrapServers, topicsOf(wanted), partitions);
      },
      onLine: (key, replica, line) => this.#onLine(key, replica, line),
      onMessage: (message) => this.say(message),
    });
    this.#observing = setInterval(() => this.#observeReplicas(), 20);
    while (!this.#stack.isReady) await sleep(20, undefined, { signal });
  }

  /** Resolves when all records are settled and all functions sleep, or when progress has stalled. Rejects when `signal` aborts. */
  async replay(earthquakes: readonly Earthquake[]): Promise<void> {
    const { signal } = this.#options;
    if (this.#cluster === undefined) throw new Error('the demo is not started');
    const { sink } = this.#cluster;
    const onAppend = (id: string): void => void this.#appendedMs.set(id, Date.now());
    await replayWeek(earthquakes, {
      say: (line) => this.say(line),
      append: (burst) => append(burst, { topic, sink, onAppend, signal }),
      waitUntilIdle: () => this.#waitUntilIdle(),
      signal,
    });
  }

  /** What became of every record so far; undefined if nothing was started. */
  result(): DemoResult | undefined {
    const stack = this.#stack;
    if (stack === undefined) return undefined;
    this.#observeReplicas();
    const observations = stack.statuses().map(({ key, replicas, ...status }) => ({
      ...status,
      arrivals: this.#functionLog.arrivals(key),
      maxReplicas: this.#functionLog.maxReady(key),
      finalReplicas: replicas?.alive ?? 0,
    }));
    const summary = summarizeDemo(this.#appendedMs, observations);
    return { summary, lines: summaryLines(summary), discrepancies: demoDiscrepancies(summary) };
  }

  /** Lets requests in flight finish, then ends everything, at any point of the run. */
  async stop(): Promise<string[]> {
    if (this.#stack !== undefined) this.say('stopping');
    await this.#stack?.stop();
    this.#triggers?.close();
    clearInterval(this.#observing);
    this.#view.stop();
    await this.#cluster?.close();
    await this.#kafka?.stop();
    return [];
  }

  /** True when all records are settled and no function runs; false when progress has stalled. */
  #waitUntilIdle(): Promise<boolean> {
    const statuses = () => this.#stack?.statuses() ?? [];
    return waitUntilIdle({
      isIdle: () =>
        statuses().every(({ delivered, filtered, deadLettered, replicas }) => {
          return delivered + filtered + deadLettered === this.#appendedMs.size && replicas?.alive === 0;
        }),
      progress: () =>
        statuses()
          .map(({ key, delivered, filtered, deadLettered, replicas }) =>
            [key, delivered, filtered, deadLettered, replicas?.alive].join(),
          )
          .join(),
      stallLimitMs,
      say: (line) => this.say(line),
      signal: this.#options.signal,
    });
  }

  #onLine(key: string, replica: number, line: string): void {
    if (!this.#functionLog.readLine(key, line)) this.say(`${key}[${replica}] ${line}`);
  }

  #observeReplicas(): void {
    for (const { key } of this.#stack?.wanted ?? []) {
      const count = this.#stack?.replicas(key);
      if (count !== undefined) this.#functionLog.observeReplicas(key, count);
    }
  }
}
