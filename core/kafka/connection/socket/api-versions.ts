// Which requests a broker knows, and in which versions: the first that is asked on a connection (KIP-511).
import { WireWriter, type WireReader } from '../../protocol/wire.ts';
import type { KafkaRequest } from '../../protocol/wire-requests.ts';

export interface VersionRange {
  readonly least: number;
  readonly most: number;
}

/** By api key. */
export type ApiVersions = ReadonlyMap<number, VersionRange>;

export interface ToldVersions {
  readonly errorCode: number;
  readonly versions: ApiVersions;
}

const apiKey = 18;
/** UNSUPPORTED_VERSION of org.apache.kafka.common.protocol.Errors. */
export const unsupportedVersion = 35;

/**
 * ApiVersions v3. The header of its answer is that of version 0 in all versions. A broker that does not know the version answers in version 0,
 * with an error.
 */
export const apiVersionsRequest: KafkaRequest<ToldVersions> = {
  apiKey,
  apiVersion: 3,
  apiName: 'ApiVersions',
  encode: () => new WireWriter().tags().string('millrace').string('unknown').tags().bytes(),
  decode(reader) {
    const errorCode = reader.int16();
    if (errorCode === unsupportedVersion) return { errorCode, versions: new Map() };
    const versions = reader.array((from) => {
      const entry = readEntry(from);
      from.tags();
      return entry;
    });
    return { errorCode, versions: new Map(versions) };
  },
};

/** ApiVersions v0, for who has answered so. */
export const firstApiVersionsRequest: KafkaRequest<ToldVersions> = {
  apiKey,
  apiVersion: 0,
  apiName: 'ApiVersions',
  encode: () => Buffer.alloc(0),
  decode(reader) {
    const errorCode = reader.int16();
    const versions: [number, VersionRange][] = [];
    for (let left = reader.int32(); left > 0; left--) versions.push(readEntry(reader));
    return { errorCode, versions: new Map(versions) };
  },
};

function readEntry(reader: WireReader): [number, VersionRange] {
  return [reader.int16(), { least: reader.int16(), most: reader.int16() }];
}
