// Where the scaler's triggers and Secrets come from: the API server of Kubernetes, or manifests.
import type { Logger } from 'pino';
import type { Recognizer } from '../core/contract/callers.ts';
import type { KubernetesClient } from '../core/contract/kubernetes-client.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { TriggerSource } from '../core/contract/trigger-source.ts';
import type { ConnectGuard } from '../core/network/connect-guard.ts';
import type { TriggerInformer } from '../core/kubernetes/informers/trigger-informer.ts';
import { openManifests } from '../core/process/open-manifests.ts';
import { countReadyReplicas } from './activation/ready-replicas.ts';
import type { ScalerConfig } from './config.ts';
import type { EmitScaler } from './scaler-events.ts';

export interface Sources {
  readonly triggers: TriggerSource;
  readonly secrets: SecretReader;
  /** Ready replicas of the function of a trigger, by its key; undefined where that is not known. */
  readonly replicas: (key: string) => number | undefined;
  /** Restricts where the brokers and token endpoints of triggers may lead; absent: anywhere. */
  readonly guard?: ConnectGuard | undefined;
  /** Absent: no API server is asked who calls. */
  readonly tokenReviews?: Recognizer | undefined;
  /** Absent: there is no cluster for a controller. */
  readonly client?: KubernetesClient | undefined;
  /** The triggers of the cluster, for the controller. */
  readonly informer?: TriggerInformer | undefined;
  close(): Promise<void>;
}

export interface SourceOptions extends Partial<Pick<Sources, 'triggers' | 'secrets' | 'replicas'>> {
  readonly log: Logger;
  readonly emit: EmitScaler;
  readonly signal?: AbortSignal | undefined;
}

export async function openSources(config: ScalerConfig, options: SourceOptions): Promise<Sources> {
  const { log, emit, signal } = options;
  if (config.kubernetes === undefined) {
    const manifests = openManifests(config.triggersPath ?? '', log);
    return {
      triggers: options.triggers ?? manifests.triggers,
      secrets: options.secrets ?? manifests.secrets,
      replicas: options.replicas ?? (() => undefined),
      close: () => Promise.resolve(),
    };
  }
  // A scaler without Kubernetes does not load what only clusters need.
  const { openKubernetes } = await import('../core/process/open-kubernetes.ts');
  const { triggers, endpoints, ...opened } = await openKubernetes(config.kubernetes, {
    log,
    signal,
    onRequest: (request) => void emit('kubernetesRequest', request),
    // The controller reports it on the resource.
    onWrongTrigger: (trigger, problem) => log.debug({ trigger, problem }, 'the trigger is wrong'),
  });
  return { ...opened, ...countReadyReplicas(triggers, endpoints) };
}
