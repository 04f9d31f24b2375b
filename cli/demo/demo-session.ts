// One run of the demo: everything it starts, what it counts, and how it ends. Whatever happens, `stop` ends it all.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatProblem } from '../../core/contract/problem.ts';
import { createFileSecrets } from '../../core/resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { createKafka } from '../../core/kafka/connection/kafka-client.ts';
import { createRecordSink, type KafkaRecordSink } from '../../core/kafka/produce/producer-sink.ts';
import { LocalStack } from '../local/local-stack.ts';
import { shareTriggers, type SharedTriggers } from '../local/shared-triggers.ts';
import { topicsOf } from '../local/required-topics.ts';
import { ensureTopics, startOwnKafka, type UsedKafka } from '../local/use-kafka.ts';
import { LiveView } from '../status/live-view.ts';
import { lineOf, tableOf, type TriggerStatus } from '../status/table.ts';
import { accountLines, accountOf, faultsOf } from './demo-account.ts';
import type { Earthquake } from './earthquakes.ts';
import { untilQuiet } from './wait-for-quiet.ts';
import { append, replayWeek } from './replay-week.ts';
import type { DemoResult, DemoRun } from './run-demo.ts';
import { FunctionLog } from './function-log.ts';

export interface SessionOptions {
  /** The manifests. */
  readonly folder: string;
  /** Names of functions that cannot run here. */
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
  readonly #witness = new FunctionLog();
  readonly #appendedMs = new Map<string, number>();
  #triggers: SharedTriggers | undefined;
  #kafka: UsedKafka | undefined;
  #stack: LocalStack | undefined;
  #sink: KafkaRecordSink | undefined;
  #watching: NodeJS.Timeout | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { stream } = options;
    this.#view = new LiveView({ stream, read: () => this.#stack?.statuses() ?? [], tableOf, lineOf });
  }

  say(line: string): void {
    this.#view.print(line);
  }

  /** Resolves when everything is ready for the first earthquake. Rejects when `signal` aborts. */
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
    this.#sink = createRecordSink(createKafka({ brokers: [bootstrapServers], clientId: 'millrace-demo' }));
    this.#stack = await LocalStack.start({
      kafka: this.#kafka,
      secrets: createFileSecrets(this.#options.folder),
      // Its Kafka goes with it: there is nobody who would see again what a stop cuts short.
      env: { MILLRACE_DRAIN_LIMIT: 'PT2S', ...env },
      triggers: this.#triggers,
      onTriggers: async (wanted) => {
        await ensureTopics(bootstrapServers, topicsOf(wanted), partitions);
      },
      onLine: (key, replica, line) => this.#hear(key, replica, line),
      onMessage: (message) => this.say(message),
    });
    this.#watching = setInterval(() => this.#see(), 20);
    while (!this.#stack.isReady) await sleep(20, undefined, { signal });
  }

  /** Resolves when all is settled and all functions sleep, or when nothing moves any more. Rejects when `signal` aborts. */
  async replay(earthquakes: readonly Earthquake[]): Promise<void> {
    const { signal } = this.#options;
    if (this.#sink === undefined) throw new Error('the demo is not started');
    const sink = this.#sink;
    const onAppend = (id: string): void => void this.#appendedMs.set(id, Date.now());
    await replayWeek(earthquakes, {
      say: (line) => this.say(line),
      append: (burst) => append(burst, { topic, sink, onAppend, signal }),
      quiet: () => this.#quiet(),
      signal,
    });
  }

  /** What became of every record so far. Undefined where nothing had begun. */
  result(): DemoResult | undefined {
    const stack = this.#stack;
    if (stack === undefined) return undefined;
    this.#see();
    const evidence = stack.statuses().map(({ key, replicas, ...status }) => ({
      ...status,
      arrivals: this.#witness.arrivals(key),
      maxReplicas: this.#witness.maxReady(key),
      finalReplicas: replicas?.alive ?? 0,
    }));
    const account = accountOf(this.#appendedMs, evidence);
    return { account, lines: accountLines(account), faults: faultsOf(account) };
  }

  /** Lets what is in flight end, and ends everything, at whichever point it is. */
  async stop(): Promise<string[]> {
    if (this.#stack !== undefined) this.say('stopping');
    await this.#stack?.stop();
    this.#triggers?.close();
    clearInterval(this.#watching);
    this.#view.stop();
    await this.#sink?.close();
    await this.#kafka?.stop();
    return [];
  }

  /** True when all is settled and nothing runs. */
  #quiet(): Promise<boolean> {
    const statuses = () => this.#stack?.statuses() ?? [];
    return untilQuiet({
      isOver: () =>
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

  #hear(key: string, replica: number, line: string): void {
    if (!this.#witness.hear(key, line)) this.say(`${key}[${replica}] ${line}`);
  }

  #see(): void {
    for (const { key } of this.#stack?.wanted ?? []) {
      const count = this.#stack?.replicas(key);
      if (count !== undefined) this.#witness.see(key, count);
    }
  }
}
