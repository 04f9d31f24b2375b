// Gateways come, stop in order, die, and are held still; each of these exposes what the promises say, and no more.
import { setTimeout as delay } from 'node:timers/promises';
import { spawnGateway } from '../fixtures/gateway.ts';
import { until } from '../scaler/fixtures/until.ts';
import { bounds } from './bounds.ts';
import type { GatewayFault } from './scenario.ts';
import { seconds } from './scenario.ts';
import { troublesOf, type Seat, type Stage } from './stage.ts';
import { lastCommitMs, outagesOf } from './troubles.ts';

export async function startGateway(stage: Stage, seat: Seat): Promise<void> {
  const process = await spawnGateway(stage.scope, {
    bootstrapServers: seat.route.bootstrapServers,
    manifests: [seat.manifest],
    env: { LOG_LEVEL: 'info', MILLRACE_DRAIN_LIMIT: `PT${bounds.drainLimitMs / 1000}S` },
    onLog: (text) =>
      stage.logs.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => `${seat.name} ${line}`),
      ),
  });
  seat.process = process;
  seat.isStopping = false;
  void process.exited.then(({ code, signal }) => {
    if (seat.process !== process || seat.isStopping) return;
    stage.problems.push(`${seat.name} ended by itself: ${code ?? signal}`);
  });
}

/** It reads, and has partitions unless others have them all. */
export async function untilConsuming(stage: Stage, seat: Seat): Promise<void> {
  await until(async () => (await seat.process!.trigger()).state === 'consuming', bounds.settleMs);
  stage.say(`${seat.name} consumes`);
}

/** SIGTERM; what outlasts the grace that a pod has is killed, as Kubernetes would. */
async function stopGateway(stage: Stage, seat: Seat): Promise<void> {
  const { process } = seat;
  if (process === undefined) return;
  seat.isStopping = true;
  const startMs = Date.now();
  process.signal('SIGTERM');
  const limit = new AbortController();
  const exit = await Promise.race([
    process.exited,
    delay(bounds.drainLimitMs + bounds.stopMs, undefined, { signal: limit.signal }),
  ]);
  limit.abort();
  const isInTrouble = outagesOf(troublesOf(stage), seat.name).some(
    ({ toMs }) => toMs + bounds.recoveryMs >= startMs,
  );
  if (exit === undefined) {
    killProcess(stage, seat, 'did not end in time');
    await process.exited;
    (isInTrouble ? stage.notes : stage.problems).push(
      `${seat.name} did not end within ${seconds(bounds.drainLimitMs + bounds.stopMs)} of SIGTERM`,
    );
  } else {
    if (exit.code !== 0)
      stage.problems.push(`${seat.name} ended with ${exit.code ?? exit.signal} after SIGTERM`);
    // It could not commit at its end.
    if (isInTrouble) exposeLastCommit(stage, seat, 'stopped while Kafka was in trouble');
  }
  stage.say(`${seat.name} ended ${seconds(Date.now() - startMs)} after SIGTERM`);
  seat.process = undefined;
}

function killProcess(stage: Stage, seat: Seat, why: string): void {
  seat.isStopping = true;
  seat.process?.signal('SIGKILL');
  exposeLastCommit(stage, seat, why);
}

function exposeLastCommit(stage: Stage, { name }: Seat, why: string): void {
  const toMs = Date.now();
  const fromMs = lastCommitMs(troublesOf(stage), name, toMs);
  stage.oracle.expose({ why: `${name} ${why}`, gateway: name, fromMs, toMs });
}

async function rollingRestart(stage: Stage): Promise<void> {
  for (const seat of stage.seats.filter(({ process }) => process !== undefined)) {
    await stopGateway(stage, seat);
    await startGateway(stage, seat);
    await untilConsuming(stage, seat);
  }
}

async function killAndReplace(stage: Stage, seat: Seat, forMs: number): Promise<void> {
  if (seat.process === undefined) return;
  const { exited } = seat.process;
  killProcess(stage, seat, 'killed');
  await exited;
  seat.process = undefined;
  await delay(forMs);
  await startGateway(stage, seat);
}

async function holdStill(stage: Stage, seat: Seat, forMs: number): Promise<void> {
  const { process, name } = seat;
  if (process === undefined) return;
  const fromMs = lastCommitMs(troublesOf(stage), name, Date.now());
  process.signal('SIGSTOP');
  await delay(forMs);
  process.signal('SIGCONT');
  const isPast = forMs >= bounds.sessionRiskMs && stage.scenario.shape.gateways > 1;
  stage.oracle.expose({
    why: `${name} held still`,
    gateway: name,
    fromMs,
    toMs: Date.now() + (isPast ? bounds.noticeMs : 0),
  });
}

async function joinAndLeave(stage: Stage, forMs: number): Promise<void> {
  const seat = stage.seats.find(({ process }) => process === undefined);
  if (seat === undefined) return;
  await startGateway(stage, seat);
  await untilConsuming(stage, seat);
  await delay(forMs);
  await stopGateway(stage, seat);
}

export async function inflictOnGateways(stage: Stage, fault: GatewayFault): Promise<void> {
  switch (fault.kind) {
    case 'gateway-rolling-restart':
      return rollingRestart(stage);
    case 'gateway-kill':
      return killAndReplace(stage, stage.seats[fault.gateway]!, fault.forMs);
    case 'gateway-pause':
      return holdStill(stage, stage.seats[fault.gateway]!, fault.forMs);
    case 'gateway-join':
      return joinAndLeave(stage, fault.forMs);
  }
}
