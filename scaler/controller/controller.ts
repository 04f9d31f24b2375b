// The controller: one of all scaler replicas leads, and makes of annotations and Triggers what they mean.
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { CheckExpression } from '../../gateway/contract/expressions.ts';
import { describeError, MillraceError } from '../../gateway/contract/errors.ts';
import type { KubernetesClient } from '../../gateway/contract/kubernetes.ts';
import type { SecretReader } from '../../gateway/contract/secrets.ts';
import type { ClustersReader } from '../../gateway/kafka/offsets-of-clusters.ts';
import { startLeader, type LeaseTimes } from './leader.ts';
import type { ScalerAddress } from './plan/observed.ts';
import { startSession, type Session } from './session.ts';
import type { KubernetesConfig } from './settings.ts';
import { createTriggerModel } from './trigger-model.ts';

export interface ControllerOptions {
  readonly config: KubernetesConfig;
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

const caMs = 30_000;

export async function startController(options: ControllerOptions): Promise<Controller> {
  const { config, client, log } = options;
  const model = createTriggerModel({
    checkExpression: options.checkExpression,
    functionUris: config.functionUris,
  });
  let session: Session | undefined;
  const trust = await watchCa(config.scalerCaPath, log, () => session?.resync());
  const scaler = (): ScalerAddress | undefined => {
    const { scalerService: address, scalerCaPath } = config;
    const ca = trust.ca();
    if (address === undefined || (scalerCaPath !== undefined && ca === undefined)) return undefined;
    return { address, ca };
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
      session = startSession({
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
      const ended = session;
      session = undefined;
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

/** The CA that KEDA is to trust the scaler by, as the file has it; the last one while it cannot be read. */
async function watchCa(
  path: string | undefined,
  log: Logger,
  onChange: () => void,
): Promise<{ ca(): string | undefined; stop(): void }> {
  if (path === undefined) return { ca: () => undefined, stop: () => undefined };
  let ca: string | undefined;
  const read = async (): Promise<void> => {
    try {
      const found = await readFile(path, 'utf8');
      const isNew = found !== ca;
      ca = found;
      if (isNew) onChange();
    } catch (error) {
      log.warn({ path, error: describeError(error) }, 'SCALER_TLS_CA cannot be read');
    }
  };
  await read();
  const timer = setInterval(() => void read(), caMs);
  return { ca: () => ca, stop: () => clearInterval(timer) };
}
