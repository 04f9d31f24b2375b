// Who we are at one cluster: the connections by one login, and what is known of the cluster, for all triggers that it serves.
import { createConnections, type Connections } from './broker-connections.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { createTopology, type Topology } from './topology.ts';

export interface Login {
  readonly connections: Connections;
  readonly topology: Topology;
  /** After all who use it. */
  close(): Promise<void>;
}

/** Milliseconds that a broker has for an answer which it does not hold back. */
const requestTimeoutMs = 10_000;
/** How late a new partition, or a leader that has moved unasked, is noticed at worst, in ms. */
const metadataMaxAgeMs = 30_000;

/** Connects with the first request. */
export function openLogin(settings: ConnectionSettings): Login {
  const connections = createConnections({ settings, requestTimeoutMs });
  const topology = createTopology({ connections, metadataMaxAgeMs });
  return { connections, topology, close: () => connections.close() };
}
