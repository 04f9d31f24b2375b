// What happens between a record and its delivery, and when. Observed from outside, through watches of the API server and the logs of gateway
// and scaler. All times are from the clock of this machine.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Installation, TestCluster } from '../fixtures/kubernetes/cluster.ts';
import { toolPath } from '../lab/tools.ts';
import type { PodFunction } from './pod-function.ts';

type Teardown = { teardown(end: () => Promise<unknown>): unknown };

/** In the order in which they happen, in ms since the Unix epoch. */
export const moments = ['appended', 'seen', 'pushed', 'replicas=1', 'ready', 'delivered'] as const;
export type Moment = (typeof moments)[number];
export type Timeline = Record<Moment, number>;

export type Recorder = {
  /** Starts a new timeline. */
  begin(): void;
  /** When each moment first happened since then; NaN if it did not. */
  end(appendedMs: number, deliveredMs: number): Timeline;
};

/** Watches a sleeping function until the teardown. */
export async function recordTimeline(
  t: Teardown,
  { namespace, name, cluster }: PodFunction,
  millrace: Installation,
): Promise<Recorder> {
  const seen = new Map<Moment, number>();
  const note = (moment: Moment, atMs: number): void => {
    if (!seen.has(moment)) seen.set(moment, atMs);
  };
  const follow = async (args: readonly string[], onLine: (line: string) => void): Promise<void> => {
    const child = spawn(await toolPath('kubectl'), ['--kubeconfig', cluster.kubeconfig, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    createInterface({ input: child.stdout }).on('line', onLine);
    t.teardown(() => ended(child));
  };
  const watch = ['--namespace', namespace, 'get', '--watch', '-o'];
  await follow([...watch, 'jsonpath={.spec.replicas}{"\\n"}', `deployment/${name}`], (line) => {
    if (Number(line) > 0) note('replicas=1', Date.now());
  });
  const slices = ['endpointslices', '-l', `millrace.dev/trigger=${name}`];
  await follow([...watch, 'jsonpath={.endpoints[*].conditions.ready}{"\\n"}', ...slices], (line) => {
    if (line.includes('true')) note('ready', Date.now());
  });
  const fromLog = (component: string, message: RegExp, moment: Moment) =>
    followLogs(
      millrace,
      component,
      follow,
      (line) => {
        if (message.test(line) && line.includes(name)) note(moment, timeOf(line));
      },
      cluster,
    );
  await fromLog('gateway', /no endpoint is ready/, 'seen');
  await fromLog('scaler', /Activation call/, 'pushed');
  return {
    begin: () => seen.clear(),
    end: (appendedMs, deliveredMs) => {
      const at = (moment: Moment): number => seen.get(moment) ?? NaN;
      return {
        appended: appendedMs,
        seen: at('seen'),
        pushed: at('pushed'),
        'replicas=1': at('replicas=1'),
        ready: at('ready'),
        delivered: deliveredMs,
      };
    },
  };
}

async function followLogs(
  { namespace }: Installation,
  component: string,
  follow: (args: readonly string[], onLine: (line: string) => void) => Promise<void>,
  onLine: (line: string) => void,
  cluster: TestCluster,
): Promise<void> {
  const selector = `app.kubernetes.io/component=${component}`;
  const names = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'name']);
  for (const pod of names.split('\n').filter(Boolean)) {
    await follow(['-n', namespace, 'logs', '--follow', '--since=1s', pod], onLine);
  }
}

/** The time of a log line of pino. */
function timeOf(line: string): number {
  const { time } = JSON.parse(line) as { time?: number | string };
  return typeof time === 'string' ? Date.parse(time) : (time ?? NaN);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

/** One row per step, in ms: the median and each run. */
export function describeTimelines(timelines: readonly Timeline[]): string[] {
  const rows = moments.slice(1).map((moment, index) => {
    const before = moments[index] as Moment;
    return row(
      `${before} → ${moment}`,
      timelines.map((line) => line[moment] - line[before]),
    );
  });
  return [
    `${'the first event, in ms'.padEnd(36)} median  │ each`,
    ...rows,
    row('appended → delivered', timelines.map(totalMs)),
    row("the same, less the pod's own start", timelines.map(ownMs)),
  ];
}

function totalMs({ appended, delivered }: Timeline): number {
  return delivered - appended;
}

/** The share of Millrace and KEDA: without the time from the request for a replica until it is ready, which Kubernetes and the function need. */
export function ownMs(line: Timeline): number {
  return totalMs(line) - (line.ready - line['replicas=1']);
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

function row(name: string, values: readonly number[]): string {
  const cell = (value: number): string => (Number.isNaN(value) ? '–' : String(Math.round(value))).padStart(7);
  return `${name.padEnd(36)}${cell(median(values))}  │${values.map(cell).join('')}`;
}
