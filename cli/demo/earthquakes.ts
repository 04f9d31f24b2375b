// The demo's input: a week of earthquakes as CloudEvents, oldest first. The data is from the USGS, by the package `vega-datasets`.
import { readFile } from 'node:fs/promises';
import { MillraceError } from '../../core/contract/errors.ts';
import type { CloudEvent } from '../../core/contract/event.ts';

export interface Earthquake {
  readonly event: CloudEvent;
  /** The record's key: the country, or the US state. */
  readonly region: string;
}

/** The fields that the demo uses of a feature in the USGS's GeoJSON feed. */
export interface Feature {
  readonly id: string;
  readonly properties: {
    readonly mag: number | null;
    readonly place: string;
    readonly time: number;
    readonly type: string;
  };
}

/** @throws MillraceError `MILLRACE_TOOL_MISSING` if the package is not installed */
export async function readEarthquakes(): Promise<Earthquake[]> {
  let json: string;
  try {
    // The package exports only its index; the data is in a folder beside it.
    json = await readFile(new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets')), 'utf8');
  } catch (cause) {
    const message =
      'the demo needs the npm package vega-datasets, which has the earthquakes: npm install --save-dev vega-datasets';
    throw new MillraceError('MILLRACE_TOOL_MISSING', message, { cause });
  }
  const { features } = JSON.parse(json) as { features: Feature[] };
  return features.toSorted((a, b) => a.properties.time - b.properties.time).map(toEarthquake);
}

/** The same earthquakes every week, with event ids that are unique to the week. */
export function weekOf(earthquakes: readonly Earthquake[], week: number): readonly Earthquake[] {
  if (week === 1) return earthquakes;
  return earthquakes.map(({ event, region }) => ({ event: { ...event, id: `${event.id}-${week}` }, region }));
}

/** The event's data is the feature, as JSON. */
export function toEarthquake(feature: Feature): Earthquake {
  const { mag, place, time, type } = feature.properties;
  const event: CloudEvent = {
    id: feature.id,
    source: 'https://earthquake.usgs.gov/earthquakes/feed',
    // The feed also has explosions and quarry blasts.
    type: `gov.usgs.${type.replaceAll(' ', '-')}.${magnitudeClass(mag)}`,
    subject: place,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    extensions: {},
    data: Buffer.from(JSON.stringify(feature)),
  };
  return { event, region: regionOf(place) };
}

const classes = [
  [8, 'great'],
  [7, 'major'],
  [6, 'strong'],
  [5, 'moderate'],
  [4, 'light'],
  [3, 'minor'],
] as const;

/** The class of a magnitude: great from 8, major from 7, strong from 6, moderate from 5, light from 4, minor from 3, else micro. */
export function magnitudeClass(magnitude: number | null): string {
  return classes.find(([from]) => (magnitude ?? 0) >= from)?.[1] ?? 'micro';
}

/** `4km W of Castaic, CA` → `California`; `Off the coast of Oregon` → `Oregon`; `Fiji region` → `Fiji region`. */
export function regionOf(place: string): string {
  const afterComma = place.slice(place.lastIndexOf(', ') + 1).trim();
  const afterOf = afterComma
    .slice(afterComma.lastIndexOf(' of ') + 1)
    .replace(/^of /, '')
    .trim();
  return abbreviations.get(afterOf) ?? afterOf;
}

const abbreviations = new Map([
  ['CA', 'California'],
  ['MX', 'Mexico'],
  ['NV', 'Nevada'],
]);
