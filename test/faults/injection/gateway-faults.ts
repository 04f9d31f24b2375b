// Gateways join, stop in order, are killed and are suspended. Each fault excuses the redeliveries that the delivery guarantees allow, and no
// others.
import { setTimeout as delay } from 'node:timers/promises';
import { spawnGateway } from '../../fixtures/gateway.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { bounds } from '../bounds.ts';
import type { GatewayFault } from '../scenario/scenario.ts';
import { seconds } from '../scenario/scenario.ts';
import { disruptionsOf, exposeAll, type GatewaySlot, type Testbed } from '../testbed/testbed.ts';
import { lastCommitMs, outagesOf } from '../testbed/disruptions.ts';

export async function startGateway(testbed: Testbed, slot: GatewaySlot): Promise<void> {
  const process = await spawnGateway(testbed.scope, {
    bootstrapServers: slot.route.bootstrapServers,
    manifests: [slot.manifest],
    env: {
      LOG_LEVEL: 'info',
      MILLRACE_DRAIN_LIMIT: `PT${bounds.drainLimitMs / 1000}S`,
      KAFKA_GROUP_PROTOCOL: testbed.scenario.shape.groupProtocol,
    },
    onLog: (text) =>
      testbed.logs.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => `${slot.name} ${line}`),
      ),
  });
  slot.process = process;
  slot.instances.push(`${slot.name}, instance ${slot.instances.length + 1}`);
  slot.isStopping = false;
  void process.exited.then(({ code, signal }) => {
    if (slot.process !== process || slot.isStopping) return;
    testbed.problems.push(`${slot.name} ended by itself: ${code ?? signal}`);
  });
}

/** Waits until the gateway consumes. It has partitions unless other members have them all. */
export async function untilConsuming(testbed: Testbed, slot: GatewaySlot): Promise<void> {
  await until(async () => (await slot.process!.trigger()).state === 'consuming', bounds.settleMs);
  testbed.report(`${slot.name} consumes`);
}

/** Sends SIGTERM. Kills the process when it outlives the grace period of a pod, as Kubernetes does. */
export async function stopGateway(testbed: Testbed, slot: GatewaySlot): Promise<void> {
  const { process } = slot;
  if (process === undefined) return;
  slot.isStopping = true;
  const startMs = Date.now();
  process.signal('SIGTERM');
  const limit = new AbortController();
  const exit = await Promise.race([
    process.exited,
    delay(bounds.drainLimitMs + bounds.stopMs, undefined, { signal: limit.signal }),
  ]);
  limit.abort();
  const isDisrupted = outagesOf(disruptionsOf(testbed), slot.name).some(
    ({ toMs }) => toMs + bounds.recoveryMs >= startMs,
  );
  if (exit === undefined) {
    killProcess(testbed, slot, 'did not end in time');
    await process.exited;
    (isDisrupted ? testbed.notes : testbed.problems).push(
      `${slot.name} did not end within ${seconds(bounds.drainLimitMs + bounds.stopMs)} of SIGTERM`,
    );
  } else {
    if (exit.code !== 0)
      testbed.problems.push(`${slot.name} ended with ${exit.code ?? exit.signal} after SIGTERM`);
    // The gateway may have been unable to commit before it ended.
    if (isDisrupted) exposeLastCommit(testbed, slot, 'stopped while Kafka was disrupted');
  }
  testbed.report(`${slot.name} ended ${seconds(Date.now() - startMs)} after SIGTERM`);
  slot.process = undefined;
}

function killProcess(testbed: Testbed, slot: GatewaySlot, why: string): void {
  slot.isStopping = true;
  slot.process?.signal('SIGKILL');
  exposeLastCommit(testbed, slot, why);
}

function exposeLastCommit(testbed: Testbed, { name, instances }: GatewaySlot, why: string): void {
  const toMs = Date.now();
  const fromMs = lastCommitMs(disruptionsOf(testbed), name, toMs);
  exposeAll(testbed, { why: `${name} ${why}`, gateway: instances.at(-1), fromMs, toMs });
}

async function rollingRestart(testbed: Testbed): Promise<void> {
  for (const slot of testbed.slots.filter(({ process }) => process !== undefined)) {
    await stopGateway(testbed, slot);
    await startGateway(testbed, slot);
    await untilConsuming(testbed, slot);
  }
}

async function killAndReplace(testbed: Testbed, slot: GatewaySlot, forMs: number): Promise<void> {
  if (slot.process === undefined) return;
  const { exited } = slot.process;
  killProcess(testbed, slot, 'killed');
  await exited;
  slot.process = undefined;
  await delay(forMs);
  await startGateway(testbed, slot);
}

async function suspend(testbed: Testbed, slot: GatewaySlot, forMs: number): Promise<void> {
  const { process, name, instances } = slot;
  if (process === undefined) return;
  const fromMs = lastCommitMs(disruptionsOf(testbed), name, Date.now());
  process.signal('SIGSTOP');
  await delay(forMs);
  process.signal('SIGCONT');
  const isPast = forMs >= bounds.sessionRiskMs && testbed.scenario.shape.gateways > 1;
  exposeAll(testbed, {
    why: `${name} suspended`,
    gateway: instances.at(-1),
    fromMs,
    toMs: Date.now() + (isPast ? bounds.noticeMs : 0),
  });
}

async function joinAndLeave(testbed: Testbed, forMs: number): Promise<void> {
  const slot = testbed.slots.find(({ process }) => process === undefined);
  if (slot === undefined) return;
  await startGateway(testbed, slot);
  await untilConsuming(testbed, slot);
  await delay(forMs);
  await stopGateway(testbed, slot);
}

export async function injectGatewayFault(testbed: Testbed, fault: GatewayFault): Promise<void> {
  switch (fault.kind) {
    case 'gateway-rolling-restart':
      return rollingRestart(testbed);
    case 'gateway-kill':
      return killAndReplace(testbed, testbed.slots[fault.gateway]!, fault.forMs);
    case 'gateway-pause':
      return suspend(testbed, testbed.slots[fault.gateway]!, fault.forMs);
    case 'gateway-join':
      return joinAndLeave(testbed, fault.forMs);
  }
}
