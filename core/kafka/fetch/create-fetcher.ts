// The fetcher: for all triggers of a login, few connections to each broker that leads a partition that somebody wants.
import type { TopicPartition } from '../../contract/record.ts';
import type { Connections } from '../connection/broker-connections.ts';
import type { BrokerAddress } from '../protocol/wire-requests.ts';
import type { Topology } from '../connection/topology.ts';
import type { FairScheduler } from './fair-scheduler.ts';
import type { Fetcher, FetchListener, PartitionFetch } from './fetcher.ts';
import { BrokerFetch } from './broker-fetch.ts';
import { LeaderSearch } from './leader-search.ts';
import { PartitionCursor, type CursorOwner } from './partition-cursor.ts';

export interface FetcherOptions {
  /** Stays the caller's to close. */
  readonly connections: Connections;
  readonly topology: Topology;
  readonly scheduler: FairScheduler;
  /** As brokers have it in `broker.rack`: a replica there is fetched from, where the brokers choose one (KIP-392). */
  readonly rackId?: string | undefined;
}

/** How often it is looked which nearer replicas are due for a look at their leader, in ms. */
const nearerLookMs = 60_000;

export function createFetcher(options: FetcherOptions): Fetcher {
  return new BrokersFetcher(options);
}

class BrokersFetcher implements Fetcher {
  readonly #options: FetcherOptions;
  readonly #search: LeaderSearch;
  /** One for all, of which there are thousands. */
  readonly #owner: CursorOwner = {
    find: (cursor) => this.#search.find(cursor),
    closed: (cursor) => this.#cursors.delete(cursor),
  };
  readonly #brokers = new Map<string, BrokerFetch>();
  readonly #cursors = new Set<PartitionCursor>();
  readonly #nearerLook: NodeJS.Timeout | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
    const { topology, rackId } = options;
    this.#search = new LeaderSearch({ topology, placeOf: (broker) => this.#at(broker) });
    if (rackId !== undefined) this.#nearerLook = setInterval(() => this.#leaveNearer(), nearerLookMs).unref();
  }

  open(partition: TopicPartition, listener: FetchListener): PartitionFetch {
    const cursor = new PartitionCursor(partition, listener, this.#owner);
    this.#cursors.add(cursor);
    return cursor;
  }

  close(): Promise<void> {
    clearInterval(this.#nearerLook);
    // What is under way is for nobody, and nothing comes after it.
    for (const cursor of [...this.#cursors]) cursor.close();
    return Promise.resolve();
  }

  #at(broker: BrokerAddress): BrokerFetch {
    const name = `${broker.nodeId} ${broker.host}:${broker.port}`;
    const known = this.#brokers.get(name);
    if (known !== undefined) return known;
    for (const [other, { isIdle }] of this.#brokers) if (isIdle) this.#brokers.delete(other);
    const { connections, scheduler, rackId = '' } = this.#options;
    const opened = new BrokerFetch({ connections, broker, scheduler, rackId });
    this.#brokers.set(name, opened);
    return opened;
  }

  #leaveNearer(): void {
    const nowMs = performance.now();
    for (const cursor of this.#cursors) {
      if (cursor.nearer === undefined || nowMs < cursor.nearer.untilMs) continue;
      cursor.nearer = undefined;
      cursor.relocate();
    }
  }
}
