// Runs gateway, scaler and functions from one process, wired as in a cluster: offsets in Kafka, activation calls over HTTP. An
// autoscaler and child processes take the place of KEDA and Kubernetes.
import { isDeepStrictEqual } from 'node:util';
import type { SecretReader } from '../../core/contract/secret-reader.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { readManifests } from '../../core/resources/manifests/manifest-files.ts';
import { readGatewayConfig } from '../../gateway/config.ts';
import { createStaticEndpoints } from '../../gateway/control/static-endpoints.ts';
import { startGateway, type Gateway } from '../../gateway/main.ts';
import type { TriggerSnapshot } from '../../gateway/pipeline/trigger-snapshot.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { startScaler, type Scaler } from '../../scaler/main.ts';
import { Autoscaler } from '../runtime/autoscaler.ts';
import { ProcessEndpoints, type ReplicaCount } from '../runtime/process-endpoints.ts';
import type { TriggerStatus } from '../status/table.ts';
import { whyNoCommand } from './function-deployments.ts';
import type { SharedTriggers } from './shared-triggers.ts';
import { createStackLog } from './stack-log.ts';
import { tallyOf, type TriggerTally } from './trigger-tally.ts';
import type { UsedKafka } from './use-kafka.ts';

export interface LocalStackOptions {
  readonly kafka: Pick<UsedKafka, 'bootstrapServers' | 'configPath'>;
  /** File or folder of the manifests. */
  readonly manifests: string;
  /** The Secrets that the Kafka clusters of triggers need. */
  readonly secrets: SecretReader;
  /** The caller closes them when the stack has stopped. */
  readonly triggers: SharedTriggers;
  /** Settings of gateway and scaler. Ports default to any free ones. */
  readonly env: NodeJS.ProcessEnv;
  /** A line that a function wrote. */
  readonly onLine: (key: string, replica: number, line: string) => void;
  /** A message for the user: a function that crashes, a warning of gateway or scaler. */
  readonly onMessage: (message: string) => void;
  /** Called with the triggers before the start, which waits for it, and after every edit. Must not reject. */
  readonly onTriggers?: (wanted: readonly Subscription[]) => Promise<void>;
}

export class LocalStack {
  readonly #triggers: SharedTriggers;
  readonly #scaler: Scaler;
  readonly #gateway: Gateway;
  readonly #functions: ProcessEndpoints;
  readonly #tally: (key: string) => TriggerTally;
  readonly #autoscalers = new Map<string, { subscription: Subscription; autoscaler: Autoscaler }>();

  private constructor(
    triggers: SharedTriggers,
    scaler: Scaler,
    gateway: Gateway,
    functions: ProcessEndpoints,
  ) {
    this.#triggers = triggers;
    this.#scaler = scaler;
    this.#gateway = gateway;
    this.#functions = functions;
    this.#tally = tallyOf(gateway.events);
  }

  /** Resolves when everything is started. Triggers whose topics are missing wait; `statuses` reports them. */
  static async start(options: LocalStackOptions): Promise<LocalStack> {
    const { triggers, secrets, onMessage, onTriggers } = options;
    await onTriggers?.(triggers.wanted);
    const env = settingsOf(options);
    const log = createStackLog(env.LOG_LEVEL ?? 'warn', onMessage);
    let gateway: Gateway | undefined;
    const inFlight = (key: string): number =>
      gateway?.snapshot().find((one) => one.key === key)?.inFlight ?? 0;
    const functions = new ProcessEndpoints({
      others: createStaticEndpoints((subscription) => {
        void readManifests(options.manifests)
          .catch(() => []) // a file is being replaced: the next edit tells more
          .then((files) =>
            onMessage(`${subscription.key}: records are held, because ${whyNoCommand(files, subscription)}`),
          );
      }),
      inFlight,
      onLine: options.onLine,
      onTrouble: (key, replica, message) => onMessage(`${key} replica ${replica}: ${message}`),
    });
    const replicas = (key: string): number => functions.count(key).ready;
    const scaler = await startScaler(readScalerConfig(env), { triggers, secrets, replicas, log });
    try {
      const config = readGatewayConfig({ ...env, SCALER_URLS: scaler.httpUrl });
      gateway = await startGateway(config, { triggers, secrets, endpoints: functions, log });
    } catch (error) {
      await scaler.stop();
      throw error;
    }
    const stack = new LocalStack(triggers, scaler, gateway, functions);
    await triggers.watch((wanted) => {
      stack.#apply(wanted);
    });
    triggers.onEdit((wanted) => void onTriggers?.(wanted));
    return stack;
  }

  get adminUrl(): string {
    return this.#gateway.adminUrl;
  }

  get wanted(): readonly Subscription[] {
    return this.#triggers.wanted;
  }

  /** True when every trigger has its partitions and fetches from them. */
  get isReady(): boolean {
    return this.#gateway.snapshot().every(({ ready }) => ready);
  }

  statuses(): TriggerStatus[] {
    const snapshots = new Map(this.#gateway.snapshot().map((snapshot) => [snapshot.key, snapshot]));
    return this.#triggers.wanted.map(({ key, name, dev }) => {
      const snapshot = snapshots.get(key);
      return {
        key,
        name,
        backlog: this.#autoscalers.get(key)?.autoscaler.backlog,
        inFlight: snapshot?.inFlight ?? 0,
        replicas: dev === undefined ? undefined : this.#functions.count(key),
        ...this.#tally(key),
        trouble: troubleOf(snapshot),
      };
    });
  }

  /** The current processes of a function. */
  replicas(key: string): ReplicaCount {
    return this.#functions.count(key);
  }

  /** Lets requests in flight finish, commits offsets, and ends every process. */
  async stop(): Promise<void> {
    for (const { autoscaler } of this.#autoscalers.values()) autoscaler.stop();
    await this.#gateway.stop();
    await this.#functions.stop();
    await this.#scaler.stop();
  }

  #apply(wanted: readonly Subscription[]): void {
    const byKey = new Map(wanted.map((subscription) => [subscription.key, subscription]));
    this.#functions.apply(wanted);
    for (const [key, { subscription, autoscaler }] of this.#autoscalers) {
      if (isDeepStrictEqual(byKey.get(key), subscription)) continue;
      autoscaler.stop();
      this.#autoscalers.delete(key);
    }
    for (const subscription of wanted) {
      if (!this.#autoscalers.has(subscription.key)) this.#autoscale(subscription);
    }
  }

  #autoscale(subscription: Subscription): void {
    const { key } = subscription;
    const autoscaler = new Autoscaler({
      subscription,
      demand: this.#scaler.demand,
      scaleTo: (replicas) => this.#functions.scaleTo(subscription, replicas),
      replicas: this.#functions.count(key).desired,
    });
    this.#autoscalers.set(key, { subscription, autoscaler });
  }
}

/** Topic, partition and offset are written as options of `millrace skip`. */
function troubleOf(snapshot: TriggerSnapshot | undefined): string | undefined {
  const first = snapshot?.firstBlocked;
  if (first === undefined) {
    const { parked = 0, congested = 0, reason } = snapshot ?? {};
    return congested > 0 ? `${parked} keys fail: ${congested} partitions not fetched` : reason || undefined;
  }
  return `${snapshot?.blocked} blocked: --topic ${first.topic} --partition ${first.partition} --offset ${first.offset}`;
}

function settingsOf({ kafka, env }: LocalStackOptions): NodeJS.ProcessEnv {
  return {
    MILLRACE_TRIGGERS: '-', // required, but unused: the triggers are passed as a source
    MILLRACE_ADMIN_PORT: '0',
    SCALER_HOST: '127.0.0.1',
    SCALER_GRPC_PORT: '0',
    SCALER_HTTP_PORT: '0',
    ...env,
    KAFKA_BROKERS: kafka.bootstrapServers,
    KAFKA_CONFIG: kafka.configPath,
  };
}
