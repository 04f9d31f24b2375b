// `millrace gateway`: the data plane alone, as it is deployed.
import { setTimeout as delay } from 'node:timers/promises';
import { exitOnFault } from '../../core/process/exit-on-fault.ts';
import { createLog } from '../../core/process/log.ts';
import { readGatewayConfig } from '../../gateway/config.ts';
import { startGateway, type Gateway } from '../../gateway/main.ts';
import { keepHeapSmall, releaseStartMemory } from '../../core/process/release-start-memory.ts';
import { printJson, untilAborted, type CommandIo } from '../command-io.ts';
import { settingsIn, type ProcessOptions } from './process-options.ts';

export interface GatewayOptions extends ProcessOptions {
  readonly adminPort?: number;
}

/** So many triggers are worth the pause in which the garbage of their start is collected. */
const manyTriggers = 100;
/** With fewer, a heap that is kept small was no smaller at rest, and took more CPU time. */
const heapfulTriggers = 1_000;
/** How often it is looked whether they have started, and pauses in between, in ms. */
const mostLooks = 60;
const lookMs = 5_000;

/** Prints `ADMIN_URL=…` when it serves, and runs until it is interrupted. */
export async function runGatewayCommand(options: GatewayOptions, io: CommandIo): Promise<number> {
  const config = readGatewayConfig({
    ...io.env,
    ...settingsIn(options),
    ...(options.adminPort === undefined ? {} : { MILLRACE_ADMIN_PORT: String(options.adminPort) }),
  });
  exitOnFault(createLog(config.logLevel).child({ component: 'gateway' }));
  const gateway = await startGateway(config, { signal: io.signal });
  if (options.json) printJson(io, { adminUrl: gateway.adminUrl });
  else io.stdout.write(`ADMIN_URL=${gateway.adminUrl}\n`);
  await releaseStartMemory();
  const released = releaseOnceReady(gateway, io.signal);
  await untilAborted(io.signal);
  await released;
  await gateway.stop();
  return 0;
}

/** Thousands of triggers that open their partitions leave more garbage than the modules do. */
async function releaseOnceReady(gateway: Gateway, signal: AbortSignal): Promise<void> {
  const isOpening = (): boolean => {
    const triggers = gateway.snapshot();
    return triggers.length < manyTriggers || triggers.some(({ state }) => state === 'starting');
  };
  for (let looks = 0; isOpening(); looks += 1) {
    if (looks === mostLooks) return;
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
  if (gateway.snapshot().length >= heapfulTriggers) keepHeapSmall();
  await releaseStartMemory();
}
