// The earthquakes as they come into the cluster: the features, one per line, compressed, for a ConfigMap holds 1 MiB. Pure.
import { gunzipSync, gzipSync } from 'node:zlib';
import { toEarthquake, type Earthquake, type Feature } from '../earthquakes.ts';

export function packEarthquakes(earthquakes: readonly Earthquake[]): Buffer {
  return gzipSync(earthquakes.map(({ event }) => String(event.data)).join('\n'));
}

/** What `packEarthquakes` was given. */
export function unpackEarthquakes(packed: Uint8Array): Earthquake[] {
  const lines = gunzipSync(packed).toString().split('\n');
  return lines.filter(Boolean).map((line) => toEarthquake(JSON.parse(line) as Feature));
}
