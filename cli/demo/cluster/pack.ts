// Packs the earthquakes for the way into the cluster: one feature per line, compressed, because a ConfigMap holds at most 1 MiB. Pure.
import { gunzipSync, gzipSync } from 'node:zlib';
import { toEarthquake, type Earthquake, type Feature } from '../earthquakes.ts';

export function packEarthquakes(earthquakes: readonly Earthquake[]): Buffer {
  return gzipSync(earthquakes.map(({ event }) => String(event.data)).join('\n'));
}

/** The inverse of `packEarthquakes`. */
export function unpackEarthquakes(packed: Uint8Array): Earthquake[] {
  const lines = gunzipSync(packed).toString().split('\n');
  return lines.filter(Boolean).map((line) => toEarthquake(JSON.parse(line) as Feature));
}
