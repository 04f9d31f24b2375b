// Counters and histograms of the hot path: plain numbers that become metrics when they are scraped. prom-client hashes the labels at
// every increment, which costs as much as everything else that the gateway does for an event.
import { Counter, type Metric, type Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface TallyDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
}

/** One series of a counter: add to it. */
export interface CountSeries {
  count: number;
}

/** Registers a counter. Returns a function that creates one series of it, for one set of labels. */
export function createTalliedCounter({
  registry,
  ...definition
}: TallyDefinition): (labels: Labels) => CountSeries {
  const all: { readonly labels: Labels; readonly series: CountSeries }[] = [];
  new Counter({
    ...definition,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, series } of all) this.inc(labels, series.count);
    },
  });
  return (labels) => {
    const series = { count: 0 };
    all.push({ labels, series });
    return series;
  };
}

/** One series of a histogram. */
export class HistogramSeries {
  /** Upper bounds, ascending. A value above the last one counts for `+Inf` only. */
  readonly bounds: readonly number[];
  /** One count per bound, and one for `+Inf`; not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] as number)) index += 1;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sum += value;
  }
}

/** Registers a histogram with these upper bounds. Returns a function that creates one series of it, for one set of labels. */
export function createTalliedHistogram(
  { registry, name, help, labelNames }: TallyDefinition,
  bounds: readonly number[],
): (labels: Labels) => HistogramSeries {
  const all: { readonly labels: Labels; readonly series: HistogramSeries }[] = [];
  const read = (): object => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: all.flatMap(({ labels, series }) => valuesOf(name, labels, series)),
  });
  // prom-client registers any object that can be read like its own metrics, but its types allow only those.
  const metric = {
    name,
    help,
    type: 'histogram',
    labelNames,
    get: () => Promise.resolve(read()),
    reset: () => undefined,
  };
  registry.registerMetric(metric as unknown as Metric);
  return (labels) => {
    const series = new HistogramSeries(bounds);
    all.push({ labels, series });
    return series;
  };
}

function valuesOf(name: string, labels: Labels, { bounds, counts, sum }: HistogramSeries): object[] {
  let count = 0;
  const buckets = counts.map((one, index) => {
    count += one;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
