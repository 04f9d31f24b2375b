// The controller: of all scaler replicas, the elected leader reconciles annotated Deployments and Triggers.
import type { Logger } from 'pino';
import { errorFields, MillraceError } from '../core/contract/errors.ts';
import type { KubernetesClient } from '../core/contract/kubernetes-client.ts';
import type { TriggerInformer } from '../core/kubernetes/informers/trigger-informer.ts';
import type { ClustersReader } from '../core/kafka/offsets/offsets-of-clusters.ts';
import type { TlsFiles } from '../core/access/certificate-files.ts';
import { startLeader, type LeaseTimes } from '../core/kubernetes/leader-election.ts';
import type { ScalerAddress } from './plan/observed-state.ts';
import { namespaceAuthenticationOf, type KubernetesConfig } from './config.ts';
import type { EmitController } from './controller-events.ts';
import { startReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import type { ScalerProbe } from './trigger-dependencies.ts';
import { watchScalerCa } from './scaler-ca.ts';

export interface ControllerOptions {
  readonly config: KubernetesConfig;
  /** Of the gRPC port. */
  readonly tls?: TlsFiles | undefined;
  readonly probe: ScalerProbe;
  readonly client: KubernetesClient;
  readonly informer: TriggerInformer;
  readonly kafka: Pick<ClustersReader, 'read' | 'readGroups'>;
  /** As `Demand.backlog`. */
  readonly backlog: (key: string) => Promise<bigint>;
  readonly log: Logger;
  readonly emit: EmitController;
  readonly leaseTimes?: LeaseTimes | undefined;
}

export interface Controller {
  readonly isLeading: boolean;
  /** Finishes the reconciles in progress, and releases the Lease. */
  stop(): Promise<void>;
}

export async function startController(options: ControllerOptions): Promise<Controller> {
  const { config, client, tls, log } = options;
  let loop: ReconcileLoop | undefined;
  const { scalerCaPath: caPath, scalerService: address, clusterAuthentication } = config;
  const scalerCa = await watchScalerCa({ caPath, tls, log, onChange: () => loop?.resync() });
  const scaler = (): ScalerAddress | undefined => {
    const { ca, revision: tlsRevision } = scalerCa.current() ?? {};
    if (address === undefined || (caPath !== undefined && ca === undefined)) return undefined;
    const namespaceAuthentication =
      ca !== undefined && clusterAuthentication === undefined ? namespaceAuthenticationOf(config) : undefined;
    return { address, ca, namespaceAuthentication, clusterAuthentication, tlsRevision };
  };
  const namespace = config.podNamespace ?? client.namespace ?? 'default';
  let lastError: string | undefined;
  const leader = startLeader({
    client,
    namespace,
    name: config.leaseName,
    identity: config.podName,
    podUid: config.podUid,
    times: options.leaseTimes,
    onLead: () => {
      lastError = undefined;
      log.info({ lease: `${namespace}/${config.leaseName}` }, 'the controller is the leader');
      options.emit('led', true);
      loop = startReconcileLoop({
        ...options,
        namespaces: config.namespaces,
        identity: config.podName,
        scaler,
        assertLeading: () => assertLeading(leader),
      });
      return Promise.resolve();
    },
    onLose: async (reason) => {
      log.info({ reason }, 'the controller is no longer the leader');
      options.emit('led', false);
      const ended = loop;
      loop = undefined;
      await ended?.stop();
    },
    onTrouble: (error) => {
      const fields = errorFields(error);
      if (fields.error !== lastError) log.warn(fields, 'cannot read or renew the Lease of the controller');
      lastError = fields.error;
    },
  });
  return {
    get isLeading() {
      return leader.isLeading;
    },
    async stop() {
      scalerCa.stop();
      await leader.stop();
    },
  };
}

function assertLeading({ isLeading }: { readonly isLeading: boolean }): void {
  if (!isLeading)
    throw new MillraceError(
      'MILLRACE_KUBERNETES_CONFLICT',
      'This controller is no longer the leader, so it writes nothing',
    );
}
