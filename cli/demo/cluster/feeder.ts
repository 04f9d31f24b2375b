// Has things done inside of the cluster, one after the other: each is a pod that runs `millrace demo-feed`, and ends.
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
  /** The first is that of the earthquakes. */
  readonly topics: readonly string[];
}

/** A pod of which nothing runs after so long will not. */
const startLimitMs = 120_000;
const lastLines = 3;

const appended = /^appended (\S+) at (\S+)$/;

export class Feeder {
  readonly #options: FeederOptions;
  /** When each record was handed to Kafka, by the id of its event. */
  readonly appendedMs = new Map<string, number>();
  /** Of the step that goes on, but for what was appended. */
  #said: string[] = [];
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
    const options = ['--file', packedPath, '--burst', String(burst), '--week', String(week)];
    return this.#run('append', this.#options.topics.slice(0, 1), options, signal);
  }

  /** Takes note of a line of a pod of its own. */
  hear(line: string): void {
    const [, id, time] = appended.exec(line) ?? [];
    if (id === undefined || time === undefined) this.#said.push(line);
    else this.appendedMs.set(decodeURIComponent(id), Date.parse(time));
  }

  /** Resolves when the pod has ended, and all that it has written is heard. */
  async #run(
    step: FeedStep,
    topics: readonly string[],
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { client, pods, place } = this.#options;
    const name = `feed-${(this.#steps += 1)}-${step}`;
    this.#said = [];
    await client.create(feedPod(name, [step, ...topics, ...options], place));
    const deadlineMs = performance.now() + startLimitMs;
    for (;;) {
      const state = pods.stateOf(name);
      if (state?.kind === 'ended' && state.exitCode === 0) return;
      if (state?.kind === 'ended') throw this.#failed(name, `exit code ${state.exitCode}`);
      if (state?.kind === 'gone') throw this.#failed(name, 'it was removed');
      if (state?.kind !== 'running' && performance.now() > deadlineMs)
        throw this.#failed(name, `it does not start: ${state?.reason ?? 'it is not seen'}`);
      await sleep(50, undefined, { signal });
    }
  }

  #failed(name: string, reason: string): MillraceError {
    const said = this.#said.slice(-lastLines).map((line) => line.trim());
    const message = `the pod ${this.#options.place.namespace}/${name} failed: ${[reason, ...said].join('; ')}`;
    return new MillraceError('MILLRACE_DEMO_FAILED', message);
  }
}
