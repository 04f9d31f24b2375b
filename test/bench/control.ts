// npm run bench -- control [SCALE…]: what triggers of many tenants cost gateway, scaler and API server. Each scale is a number of triggers,
// with a tenth as many KafkaClusters; the same changes are made at each, in one run, so that their costs can be compared: the cost of a change
// must not grow with the number of triggers. The triggers are suspended: what running ones cost is the data plane's. Gateway and scaler are
// what the image runs, dist/, and log in as in a pod.
import { setTimeout as delay } from 'node:timers/promises';
import { formatTable } from '../../cli/bench/report.ts';
import { startLocalKafka } from '../../cli/kafka/local-kafka.ts';
import { apiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { applyCrds, applyKedaCrds } from '../kubernetes/fixtures/installation.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';
import { buildDist } from './build-dist.ts';
import type { Component } from './component.ts';
import { startPods, type Pod } from './pods.ts';
import { openTenants } from './tenants.ts';

/** Of one change. `cpuMs` is the CPU time that it costs the process. */
interface Cost {
  readonly cpuMs: number;
  readonly requests: number;
}

interface Measured {
  readonly triggers: number;
  /** Before there is any trigger. */
  readonly idleMiB: Readonly<Record<Component, number>>;
  /** Until the controller has written a whole status, the last ScaledObject included. */
  readonly settledSeconds: number;
  readonly memoryMiB: Readonly<Record<Component, number>>;
  readonly statusWrite: Readonly<Record<Component, Cost>>;
  readonly clusterEdit: Readonly<Record<Component, Cost>>;
  readonly triggerEdit: Readonly<Record<Component, Cost>>;
}

const components = ['gateway', 'scaler'] as const;
const idleMs = 10_000;
/** Within this time everything is done that a change brings about. */
const settleMs = 5_000;

export async function benchControlPlane(args: readonly string[]): Promise<void> {
  const scales = args.length === 0 ? [200, 2_000] : args.map(Number);
  if (!scales.every((scale) => Number.isInteger(scale) && scale >= 10))
    throw new Error('npm run bench -- control [SCALE…]: each SCALE is a number of triggers, at least 10');
  buildDist();
  const kafka = await startLocalKafka();
  try {
    const measured: Measured[] = [];
    for (const scale of scales) {
      console.log(`\n${scale} triggers and ${scale / 10} KafkaClusters …`);
      measured.push(await measureAt(scale, kafka.bootstrapServers));
    }
    console.log(reportOf(measured));
  } finally {
    await kafka.stop();
  }
}

async function measureAt(triggers: number, brokers: string): Promise<Measured> {
  const plane = await startControlPlane();
  const running: Pick<Pod, 'stop'>[] = [];
  try {
    const server = apiServer(plane.kubeconfig);
    await applyCrds(server);
    await applyKedaCrds(server);
    const tenants = await openTenants(plane.kubeconfig, triggers, brokers);
    running.push({ stop: () => tenants.close() });
    const by = await startPods(server, plane.dir, brokers);
    running.push(by.gateway, by.scaler);
    await idle(by);
    const idleMiB = await memoryOf(by);
    const settledSeconds = await tenants.create();
    const cost = (count: number, change: (index: number) => Promise<unknown>) => costOf(by, count, change);
    await untilQuiet(by);
    const statusWrite = await cost(300, (index) => tenants.writeStatus(index));
    const clusterEdit = await cost(20, (index) => tenants.editCluster(index));
    const triggerEdit = await cost(40, (index) => tenants.editTrigger(index));
    await idle(by);
    const memoryMiB = await memoryOf(by);
    return { triggers, idleMiB, settledSeconds, memoryMiB, statusWrite, clusterEdit, triggerEdit };
  } finally {
    for (const one of running.toReversed()) await one.stop();
    await plane.stop();
  }
}

type Pods = Readonly<Record<Component, Pod>>;

/** The cost of one of `count` changes, less what the processes cost in as much time without any. */
async function costOf(
  by: Pods,
  count: number,
  change: (index: number) => Promise<unknown>,
): Promise<Record<Component, Cost>> {
  const baseline = await idle(by);
  // A scrape of the metrics costs more than a change: none comes between the two looks at the CPU time.
  const requestsBefore = await ofEach((one) => by[one].requests());
  const cpuMsBefore = await ofEach((one) => by[one].cpuMs());
  const startMs = performance.now();
  for (let index = 0; index < count; index++) await change(index);
  await delay(settleMs);
  const tookMs = performance.now() - startMs;
  const cpuMs = await ofEach((one) => by[one].cpuMs());
  return ofEach(async (one) => {
    const spentMs = cpuMs[one] - cpuMsBefore[one] - baseline[one] * tookMs;
    const requests = (await by[one].requests()) - requestsBefore[one];
    return { cpuMs: Math.max(0, spentMs) / count, requests: requests / count };
  });
}

/** Milliseconds of CPU per millisecond while nothing changes. */
async function idle(by: Pods): Promise<Record<Component, number>> {
  const before = await ofEach((one) => by[one].cpuMs());
  await delay(idleMs);
  return ofEach(async (one) => ((await by[one].cpuMs()) - before[one]) / idleMs);
}

/** Resolves when neither sends requests any more. */
async function untilQuiet(by: Pods): Promise<void> {
  let before = -1;
  await until(async () => {
    await delay(1_000);
    const now = (await by.gateway.requests()) + (await by.scaler.requests());
    const isQuiet = now === before;
    before = now;
    return isQuiet;
  }, 300_000);
}

function memoryOf(by: Pods): Promise<Record<Component, number>> {
  return ofEach((one) => by[one].residentMiB());
}

async function ofEach<T>(read: (component: Component) => Promise<T>): Promise<Record<Component, T>> {
  return { gateway: await read('gateway'), scaler: await read('scaler') };
}

function reportOf(measured: readonly Measured[]): string {
  const row = (name: string, of: (at: Measured) => number, digits: number): string[] => {
    const values = measured.map(of);
    const [first = 0] = values;
    const growth = first === 0 ? '' : ((values.at(-1) ?? 0) / first).toFixed(2);
    return [name, ...values.map((value) => value.toFixed(digits)), growth];
  };
  const changes = ['statusWrite', 'clusterEdit', 'triggerEdit'] as const;
  const names = {
    statusWrite: 'a write of one status',
    clusterEdit: 'an edit of one KafkaCluster',
    triggerEdit: 'an edit of one trigger',
  };
  const rows = [
    ...components.map((one) =>
      row(`memory of an idle ${one} (dist, as in a pod), MiB`, ({ idleMiB }) => idleMiB[one], 1),
    ),
    row('all triggers have their status, s', ({ settledSeconds }) => settledSeconds, 1),
    ...components.map((one) =>
      row(`memory of the ${one} at rest, MiB`, ({ memoryMiB }) => memoryMiB[one], 0),
    ),
    ...changes.flatMap((change) => [
      ...components.map((one) =>
        row(`${names[change]}: CPU of the ${one}, ms`, (at) => at[change][one].cpuMs, 2),
      ),
      ...components.map((one) =>
        row(`${names[change]}: requests of the ${one}`, (at) => at[change][one].requests, 1),
      ),
    ]),
  ];
  return formatTable(['', ...measured.map(({ triggers }) => `${triggers} triggers`), '×'], rows);
}
