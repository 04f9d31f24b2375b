// What the brokers of a cluster can do for groups: ApiVersions says which requests a broker has, and which features the whole cluster
// has switched on (KIP-584).
import type { Connections } from '../connection/broker-connections.ts';
import type { KafkaRequest } from '../protocol/wire-requests.ts';
import { WireWriter, type WireReader } from '../protocol/wire.ts';
import { describeKey, heartbeatKey } from './consumer-requests.ts';

export interface BrokerFeatures {
  /** Request key → its highest version. */
  readonly requests: ReadonlyMap<number, number>;
  /** Feature → its level, of those that are on in the whole cluster. */
  readonly levels: ReadonlyMap<string, number>;
}

/** Members can join by it: since Kafka 4.0, where nobody has switched it off. */
export function hasConsumerProtocol({ requests, levels }: BrokerFeatures): boolean {
  return (requests.get(heartbeatKey) ?? -1) >= 1 && (levels.get('group.version') ?? 0) >= 1;
}

export function describesConsumerGroups({ requests }: BrokerFeatures): boolean {
  return requests.has(describeKey);
}

/** How long an answer is believed, in ms: brokers are upgraded, and features switched on, while we run. */
const ageMs = 60_000;

interface Read {
  readonly features: Promise<BrokerFeatures>;
  readonly readMs: number;
}

const reads = new WeakMap<Connections, Read>();

/** Shared by all who use these connections. Rejects where no broker answers. */
export function readFeatures(connections: Connections, deadlineMs: number): Promise<BrokerFeatures> {
  const nowMs = performance.now();
  const last = reads.get(connections);
  if (last !== undefined && nowMs - last.readMs < ageMs) return last.features;
  const features = connections.sendToAny(featuresRequest, deadlineMs);
  reads.set(connections, { features, readMs: nowMs });
  features.catch(() => {
    if (reads.get(connections)?.features === features) reads.delete(connections);
  });
  return features;
}

/** ApiVersions v3, whose answer has a header without tagged fields. */
const featuresRequest: KafkaRequest<BrokerFeatures> = {
  apiKey: 18,
  apiVersion: 3,
  apiName: 'ApiVersions',
  encode: () => new WireWriter().tags().string('millrace').string('0').tags().bytes(),
  decode(reader) {
    reader.int16();
    const requests = reader.array((from) => {
      const key = from.int16();
      from.int16();
      const highest = from.int16();
      from.tags();
      return [key, highest] as const;
    });
    reader.int32();
    return { requests: new Map(requests), levels: new Map(readLevels(reader)) };
  },
};

/** The tagged field of the features that are on. */
const levelsTag = 2;

function readLevels(reader: WireReader): (readonly [string, number])[] {
  let levels: (readonly [string, number])[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const tag = reader.varint();
    const size = reader.varint();
    if (tag !== levelsTag) for (let byte = 0; byte < size; byte++) reader.int8();
    else
      levels = reader.array((from) => {
        const feature = [from.string() ?? '', from.int16()] as const;
        from.int16();
        from.tags();
        return feature;
      });
  }
  return levels;
}
