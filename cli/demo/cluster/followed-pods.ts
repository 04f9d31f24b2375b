// The pods of the demo, and every line that they write. Each log is read from its first line to its last, even if the pod is deleted meanwhile.
// When a stream breaks, the log is read again, without the lines that were already read.
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../../core/contract/errors.ts';
import { podKind } from '../../../core/resources/kinds.ts';
import type {
  PodLogs,
  Resource,
  ResourceChange,
  ResourceWatch,
} from '../../../core/contract/kubernetes-client.ts';
import { appLabel } from './pods.ts';

export interface FollowOptions {
  readonly resources: ResourceWatch;
  readonly logs: PodLogs;
  readonly namespace: string;
  readonly onLine: (app: string, pod: string, line: string) => void;
  readonly signal: AbortSignal;
}

export type PodState =
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'gone' };

interface Followed {
  readonly name: string;
  readonly app: string;
  log: 'not started' | 'reading' | 'complete';
  state: PodState;
  linesRead: number;
}

const retryMs = 250;

export class FollowedPods {
  readonly #options: FollowOptions;
  /** By uid, including deleted pods. */
  readonly #pods = new Map<string, Followed>();

  private constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Follows until `signal` aborts. */
  static async start(options: FollowOptions): Promise<FollowedPods> {
    const pods = new FollowedPods(options);
    const { resources, namespace, signal } = options;
    await resources.watch(podKind, { namespaces: [namespace], signal }, (changes) => pods.#update(changes));
    return pods;
  }

  /** How many pods an app has, including deleted pods whose log is not completely read yet. */
  count(app: string): number {
    const ofApp = [...this.#pods.values()].filter((pod) => pod.app === app);
    return ofApp.filter(({ state, log }) => state.kind !== 'gone' || log === 'reading').length;
  }

  /** A pod counts as ended only once its log is completely read. Undefined before the API server has reported the pod. */
  stateOf(name: string): PodState | undefined {
    const pod = [...this.#pods.values()].find((one) => one.name === name);
    return pod?.state.kind === 'ended' && pod.log !== 'complete' ? { kind: 'running' } : pod?.state;
  }

  #update(changes: readonly ResourceChange[]): void {
    for (const { before, after } of changes) {
      const deleted = this.#pods.get(before?.metadata.uid ?? '');
      if (deleted !== undefined && before?.metadata.uid !== after?.metadata.uid)
        deleted.state = { kind: 'gone' };
      if (after === undefined) continue;
      const { uid = '', name, labels } = after.metadata;
      const state = readState(after);
      const app = labels?.[appLabel] ?? '';
      const pod: Followed = this.#pods.get(uid) ?? { name, app, log: 'not started', state, linesRead: 0 };
      pod.state = state;
      this.#pods.set(uid, pod);
      if (pod.log === 'not started' && state.kind !== 'waiting') void this.#follow(pod);
    }
  }

  async #follow(pod: Followed): Promise<void> {
    const { signal } = this.#options;
    pod.log = 'reading';
    while (!signal.aborted) {
      // If the pod ends while its log is read, the stream may be cut off. If it had ended before, the log is complete.
      const hadEnded = pod.state.kind === 'ended';
      try {
        await this.#read(pod);
        if (hadEnded) break;
      } catch (error) {
        if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') break;
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
    pod.log = 'complete';
  }

  async #read(pod: Followed): Promise<void> {
    const { logs, namespace, onLine, signal } = this.#options;
    let line = 0;
    for await (const text of logs.follow(namespace, pod.name, signal)) {
      line += 1;
      if (line <= pod.linesRead) continue;
      pod.linesRead = line;
      onLine(pod.app, pod.name, text);
    }
  }
}

interface PodStatus {
  readonly conditions?: readonly { readonly status: string; readonly message?: string }[];
  readonly containerStatuses?: readonly {
    readonly state: {
      readonly running?: object;
      readonly terminated?: { readonly exitCode: number };
      readonly waiting?: { readonly reason?: string; readonly message?: string };
    };
  }[];
}

/** The demo's pods have one container each. */
function readState({ status }: Resource): PodState {
  const { conditions = [], containerStatuses: [container] = [] } = (status ?? {}) as PodStatus;
  const { running, terminated, waiting } = container?.state ?? {};
  if (terminated !== undefined) return { kind: 'ended', exitCode: terminated.exitCode };
  if (running !== undefined) return { kind: 'running' };
  const unmet = conditions.find(({ status, message }) => status === 'False' && message !== undefined);
  const reasons = [waiting?.reason, waiting?.message ?? unmet?.message].filter(Boolean);
  return { kind: 'waiting', reason: reasons.join(': ') || 'it is not scheduled yet' };
}
