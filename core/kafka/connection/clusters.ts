// Several Kafka clusters at once: what reads and writes for a trigger goes to the brokers that it names, else to the installation's own.
// Triggers of one cluster share its connections, and the last of them to let go closes these.
import type { OpenCluster, OpenedCluster } from '../../contract/record-source.ts';
import type { ClientLog, ConnectionSettings, Security } from './connection-settings.ts';
import { openLogin } from './cluster-login.ts';
import { FairScheduler } from '../fetch/fair-scheduler.ts';
import { createFetcher } from '../fetch/create-fetcher.ts';
import { createRecordSink } from '../produce/producer-sink.ts';
import { chooseMembership } from '../group/choose-membership.ts';
import { createRecordSources } from '../source/group-record-source.ts';
import { errorFields } from '../../contract/errors.ts';
import { connectionTo, identityOf, type Installation } from './security/security.ts';

export interface Clusters {
  readonly open: OpenCluster;
  /** How many clusters are open. */
  readonly size: number;
  /** After all triggers have let go: waits for what they still have to close. */
  close(): Promise<void>;
}

interface Cluster {
  readonly opened: OpenedCluster;
  /** Absent for the installation's own, which others close. */
  readonly security: Security | undefined;
  /** How many triggers use it. */
  users: number;
}

export function createClusters(installation: Installation): Clusters {
  const byIdentity = new Map<string, Cluster>();
  const closing = new Set<Promise<void>>();
  const scheduler = new FairScheduler();
  const clusterOf = (connection: ConnectionSettings): Cluster => {
    const security = connection === installation.own ? undefined : connection.security;
    const ready = security && ((): Promise<void> => security.credentials.ready());
    return {
      opened: openCluster(connection, { scheduler, ready, log: installation.log }),
      security,
      users: 0,
    };
  };
  const letGo = async (identity: string, cluster: Cluster): Promise<void> => {
    cluster.users -= 1;
    if (cluster.users > 0) return;
    byIdentity.delete(identity);
    const closed = closeCluster(cluster).finally(() => closing.delete(closed));
    closing.add(closed);
    await closed;
  };
  return {
    open: ({ source: { access } }) => {
      const identity = identityOf(access, installation);
      const cluster = byIdentity.get(identity) ?? clusterOf(connectionTo(access, installation));
      byIdentity.set(identity, cluster);
      cluster.users += 1;
      let closed: Promise<void> | undefined;
      const { createSource, sink } = cluster.opened;
      return { createSource, sink, close: () => (closed ??= letGo(identity, cluster)) };
    },
    get size() {
      return byIdentity.size;
    },
    close: async () => {
      await Promise.allSettled(closing);
    },
  };
}

interface OpenOptions {
  /** For all clusters of a process. */
  readonly scheduler?: FairScheduler | undefined;
  /** Resolves when there is any use in connecting. Never rejects. */
  readonly ready?: (() => Promise<void>) | undefined;
  readonly log?: ClientLog | undefined;
}

/** Whoever opens it closes the security of `settings`. */
export function openCluster(
  settings: ConnectionSettings,
  { scheduler = new FairScheduler(), ready, log }: OpenOptions = {},
): OpenedCluster {
  const login = openLogin(settings);
  const fetcher = createFetcher({ ...login, scheduler, rackId: settings.rackId });
  const sink = createRecordSink(login);
  const createMembership = chooseMembership(settings.groupProtocol ?? 'auto', (group, reason) =>
    log?.('info', 'joining by the classic protocol', { group, ...errorFields(reason) }),
  );
  const close = async (): Promise<void> => {
    try {
      await Promise.all([sink.close(), fetcher.close()]);
    } finally {
      await login.close();
    }
  };
  let closed: Promise<void> | undefined;
  return {
    createSource: createRecordSources({ login, fetcher, createMembership, ready }),
    sink,
    close: () => (closed ??= close()),
  };
}

/** The credentials end last: what is still to be written needs them. */
async function closeCluster({ opened, security }: Cluster): Promise<void> {
  try {
    await opened.close();
  } finally {
    await security?.close();
  }
}
