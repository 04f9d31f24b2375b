// Runs steps inside the cluster, one after the other. Each step is a pod that runs `millrace demo-feed` and ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';
import { configMapKind } from '../../../core/resources/kinds.ts';
import type { KubernetesClient } from '../../../core/contract/kubernetes-client.ts';
import type { Earthquake } from '../earthquakes.ts';
import type { FeedStep } from './feed.ts';
import type { FollowedPods } from './followed-pods.ts';
import { packEarthquakes } from './pack.ts';
import { feedPod, packedKey, packedMap, packedPath, type PodPlace } from './pods.ts';

export interface FeederOptions {
  readonly client: KubernetesClient;
  readonly pods: FollowedPods;
  readonly place: PodPlace;
  /** The first is the topic of the earthquakes. */
  readonly topics: readonly string[];
}

/** A pod that is not running after this time counts as failed. */
const startLimitMs = 120_000;
const lastLines = 3;

const appended = /^appended (\S+) at (\S+)$/;

export class Feeder {
  readonly #options: FeederOptions;
  /** When each record was handed to Kafka, by the id of its event. */
  readonly appendedMs = new Map<string, number>();
  /** Lines of the current step, except those that report an append. */
  #output: string[] = [];
  #steps = 0;

  constructor(options: FeederOptions) {
    this.#options = options;
  }

  async store(earthquakes: readonly Earthquake[]): Promise<void> {
    const { client, place } = this.#options;
    await client.create({
      apiVersion: configMapKind.apiVersion,
      kind: configMapKind.kind,
      metadata: { name: packedMap, namespace: place.namespace },
      binaryData: { [packedKey]: packEarthquakes(earthquakes).toString('base64') },
    });
  }

  createTopics(signal: AbortSignal): Promise<void> {
    return this.#run('create', this.#options.topics, [], signal);
  }

  removeTopics(signal: AbortSignal): Promise<void> {
    return this.#run('remove', this.#options.topics, [], signal);
  }

  append(burst: number, week: number, signal: AbortSignal): Promise<void> {
    const options = ['--earthquakes', packedPath, '--burst', String(burst), '--week', String(week)];
    return this.#run('append', this.#options.topics.slice(0, 1), options, signal);
  }

  /** Reads a line that a pod of the feeder wrote. */
  readLine(line: string): void {
    const [, id, time] = appended.exec(line) ?? [];
    if (id === undefined || time === undefined) this.#output.push(line);
    else this.appendedMs.set(decodeURIComponent(id), Date.parse(time));
  }

  /** Resolves when the pod has ended and all of its output was read. */
  async #run(
    step: FeedStep,
    topics: readonly string[],
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { client, pods, place } = this.#options;
    const name = `feed-${(this.#steps += 1)}-${step}`;
    this.#output = [];
    await client.create(feedPod(name, [step, ...topics, ...options], place));
    const deadlineMs = performance.now() + startLimitMs;
    for (;;) {
      const state = pods.stateOf(name);
      if (state?.kind === 'ended' && state.exitCode === 0) return;
      if (state?.kind === 'ended') throw this.#failed(name, `exit code ${state.exitCode}`);
      if (state?.kind === 'gone') throw this.#failed(name, 'it was removed');
      if (state?.kind !== 'running' && performance.now() > deadlineMs)
        throw this.#failed(
          name,
          `it does not start: ${state?.reason ?? 'the API server has not reported it'}`,
        );
      await sleep(50, undefined, { signal });
    }
  }

  #failed(name: string, reason: string): MillraceError {
    const output = this.#output.slice(-lastLines).map((line) => line.trim());
    const message = `the pod ${this.#options.place.namespace}/${name} failed: ${[reason, ...output].join('; ')}`;
    return new MillraceError('MILLRACE_DEMO_FAILED', message);
  }
}
