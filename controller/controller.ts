// The controller: one of all scaler replicas leads, and makes of annotations and Triggers what they mean.
import type { Logger } from 'pino';
import type { CheckExpression } from '../core/contract/expressions.ts';
import { describeError, MillraceError } from '../core/contract/errors.ts';
import type { KubernetesClient } from '../core/contract/kubernetes-client.ts';
import type { SecretReader } from '../core/contract/secret-reader.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';
import { startLeader, type LeaseTimes } from '../core/kubernetes/leader-election.ts';
import type { ScalerAddress } from './plan/observed.ts';
import { startLeaderTerm, type LeaderTerm } from './leader-term.ts';
import type { KubernetesConfig } from './controller-settings.ts';
import type { ScalerProbe } from './reconcile-trigger.ts';
import { createTriggerModel } from './trigger-model.ts';
import { watchKedaTrust } from './keda-trust.ts';

export interface ControllerOptions {
  readonly config: KubernetesConfig;
  /** Of the gRPC port. */
  readonly tls?: TlsFiles | undefined;
  readonly probe: ScalerProbe;
  readonly client: KubernetesClient;
  readonly secrets: Pick<SecretReader, 'read'>;
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  readonly checkExpression: CheckExpression;
  readonly log: Logger;
  readonly leaseTimes?: LeaseTimes | undefined;
}

export interface Controller {
  readonly isLeading: boolean;
  /** Finishes what is under way, and gives the Lease back. */
  stop(): Promise<void>;
}

export async function startController(options: ControllerOptions): Promise<Controller> {
  const { config, client, tls, log } = options;
  const model = createTriggerModel({
    checkExpression: options.checkExpression,
    functionUris: config.functionUris,
  });
  let term: LeaderTerm | undefined;
  const { scalerCaPath: caPath, scalerService: address, clusterAuthentication } = config;
  const trust = await watchKedaTrust({ caPath, tls, log, onChange: () => term?.resync() });
  const scaler = (): ScalerAddress | undefined => {
    const { ca, revision: tlsRevision } = trust.now() ?? {};
    if (address === undefined || (caPath !== undefined && ca === undefined)) return undefined;
    return { address, ca, clusterAuthentication, tlsRevision };
  };
  const namespace = config.podNamespace ?? client.namespace ?? 'default';
  let trouble: string | undefined;
  const leader = startLeader({
    client,
    namespace,
    name: config.leaseName,
    identity: config.podName,
    podUid: config.podUid,
    times: options.leaseTimes,
    onLead: () => {
      trouble = undefined;
      log.info({ lease: `${namespace}/${config.leaseName}` }, 'The controller leads');
      term = startLeaderTerm({
        ...options,
        model,
        namespaces: config.namespaces,
        identity: config.podName,
        scaler,
        assertLeading: () => assertLeading(leader),
      });
      return Promise.resolve();
    },
    onLose: async (why) => {
      log.info({ why }, 'The controller leads no more');
      const ended = term;
      term = undefined;
      await ended?.stop();
    },
    onTrouble: (error) => {
      const text = describeError(error);
      if (text !== trouble) log.warn({ error: text }, 'The Lease of the controller cannot be looked at');
      trouble = text;
    },
  });
  return {
    get isLeading() {
      return leader.isLeading;
    },
    async stop() {
      trust.stop();
      await leader.stop();
    },
  };
}

function assertLeading({ isLeading }: { readonly isLeading: boolean }): void {
  if (!isLeading) throw new MillraceError('MILLRACE_KUBERNETES_CONFLICT', 'Another controller leads by now');
}
