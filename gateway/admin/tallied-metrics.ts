// Counters and histograms of triggers: plain numbers that become metrics when they are scraped. prom-client hashes the labels at every increment,
// which costs as much as everything else that the gateway does for an event; and it keeps each series until somebody names all of its labels. What
// is here of a trigger goes with it.
import type { Metric, Registry } from 'prom-client';
import type { Subscription } from '../../core/contract/subscription.ts';

type Labels = Readonly<Record<string, string | number>>;

/** One value of a metric at a scrape. */
export interface MetricValue {
  /** Where it is not that of the metric. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface ComputedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
  /** Called at each scrape. */
  readonly read: () => readonly MetricValue[];
}

/** Registers a metric of which prom-client remembers nothing. It accepts any object that can be read like its own, but its types do not. */
export function registerComputed(registry: Registry, { read, ...metric }: ComputedMetric): void {
  const get = (): Promise<object> => Promise.resolve({ ...metric, aggregator: 'sum', values: read() });
  registry.registerMetric({ ...metric, get, reset: () => undefined } as unknown as Metric);
}

interface TriggerSeries<S> {
  readonly subscription: Subscription;
  readonly series: S;
  isForgotten: boolean;
}

/** One thing for each trigger, made when it is first asked for. A trigger that was replaced after an edit keeps it. */
class PerTrigger<S> {
  readonly #make: () => S;
  readonly #byKey = new Map<string, TriggerSeries<S>>();
  /** Found without hashing the key. A Subscription may come back after it was forgotten. */
  readonly #known = new WeakMap<Subscription, TriggerSeries<S>>();

  constructor(make: () => S) {
    this.#make = make;
  }

  of(subscription: Subscription): S {
    const known = this.#known.get(subscription);
    if (known?.isForgotten === false) return known.series;
    let found = this.#byKey.get(subscription.key);
    if (found === undefined) {
      found = { subscription, series: this.#make(), isForgotten: false };
      this.#byKey.set(subscription.key, found);
    }
    this.#known.set(subscription, found);
    return found.series;
  }

  forget(key: string): void {
    const found = this.#byKey.get(key);
    if (found !== undefined) found.isForgotten = true;
    this.#byKey.delete(key);
  }

  /** Reads the values of each trigger. */
  flatMap<T>(read: (series: S, labels: Labels) => Iterable<T>): T[] {
    const all: T[] = [];
    for (const { subscription, series } of this.#byKey.values())
      all.push(...read(series, { namespace: subscription.namespace, trigger: subscription.name }));
    return all;
  }
}

/** One series of a counter: add to it. */
export interface CountSeries {
  count: number;
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

const labelNames = ['namespace', 'trigger'];

/** The tallied metrics of a registry. */
export class Tallies {
  readonly #registry: Registry;
  readonly #all: PerTrigger<unknown>[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Registers a counter. Returns the series of a trigger for the value of `label`, or its only one. */
  counter(
    name: string,
    help: string,
    label?: string,
  ): (subscription: Subscription, value?: string) => CountSeries {
    const counts = this.counterBy(name, help, label === undefined ? [] : [label]);
    return (subscription, value) => counts(subscription, value ?? '');
  }

  /** Registers a counter with any number of labels, whose values go into `counts` in the same order. */
  counterBy(
    name: string,
    help: string,
    more: readonly string[],
  ): (subscription: Subscription, first: string, second?: string) => CountSeries {
    const perTrigger = this.#add(new PerTrigger(() => new Map<string, Map<string, CountSeries>>()));
    const read = (): MetricValue[] =>
      perTrigger.flatMap((byFirst, labels) => valuesOfCounter(byFirst, labels, more));
    registerComputed(this.#registry, {
      name,
      help,
      type: 'counter',
      labelNames: [...labelNames, ...more],
      read,
    });
    return (subscription, first, second = '') => {
      const byFirst = perTrigger.of(subscription);
      let bySecond = byFirst.get(first);
      if (bySecond === undefined) byFirst.set(first, (bySecond = new Map<string, CountSeries>()));
      let series = bySecond.get(second);
      if (series === undefined) bySecond.set(second, (series = { count: 0 }));
      return series;
    };
  }

  /** Registers a histogram with these upper bounds. Returns the series of a trigger. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
  ): (subscription: Subscription) => HistogramSeries {
    const perTrigger = this.#add(new PerTrigger(() => new HistogramSeries(bounds)));
    const read = (): MetricValue[] =>
      perTrigger.flatMap((series, labels) => valuesOfHistogram(name, labels, series));
    registerComputed(this.#registry, { name, help, type: 'histogram', labelNames, read });
    return (subscription) => perTrigger.of(subscription);
  }

  /** The trigger is gone: so are its series. */
  forget(key: string): void {
    for (const perTrigger of this.#all) perTrigger.forget(key);
  }

  #add<S>(perTrigger: PerTrigger<S>): PerTrigger<S> {
    this.#all.push(perTrigger);
    return perTrigger;
  }
}

function* valuesOfCounter(
  byFirst: ReadonlyMap<string, ReadonlyMap<string, CountSeries>>,
  labels: Labels,
  [firstName, secondName]: readonly string[],
): Generator<MetricValue> {
  for (const [first, bySecond] of byFirst)
    for (const [second, { count }] of bySecond)
      yield {
        labels: {
          ...labels,
          ...(firstName === undefined ? {} : { [firstName]: first }),
          ...(secondName === undefined ? {} : { [secondName]: second }),
        },
        value: count,
      };
}

function valuesOfHistogram(name: string, labels: Labels, series: HistogramSeries): MetricValue[] {
  const { bounds, counts, sum } = series;
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
