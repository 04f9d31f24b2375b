// Runs one seed: set-up, load, the faults on schedule, recovery, the backlog back to zero, the verdict.
import { setTimeout as delay } from 'node:timers/promises';
import { placeOf } from '../fixtures/oracle/oracle-evidence.ts';
import type { Oracle } from '../fixtures/oracle/oracle.ts';
import type { Verdict } from '../fixtures/oracle/oracle-verdict.ts';
import { until } from '../scaler/fixtures/until.ts';
import { bounds } from './bounds.ts';
import { injectBrokerFault } from './injection/broker-faults.ts';
import type { Cluster } from './testbed/broker-cluster.ts';
import { injectDeadLetterFault } from './injection/dead-letter-faults.ts';
import { injectFunctionFault } from './injection/function-faults.ts';
import { injectGatewayFault, startGateway, untilConsuming } from './injection/gateway-faults.ts';
import { startLoad } from './testbed/load.ts';
import { injectNetworkFault } from './injection/network-faults.ts';
import { injectPartFault } from './injection/part-faults.ts';
import {
  describeFault,
  seconds,
  type Fault,
  type Scenario,
  type Step,
  type Track,
} from './scenario/scenario.ts';
import { createScope, type Scope } from './testbed/scope.ts';
import { watchStarvation, type Starvation } from './testbed/starvation.ts';
import { createTestbed, disruptionsOf, exposeAll, type Testbed } from './testbed/testbed.ts';
import { exposuresOf } from './testbed/disruptions.ts';

export type Outcome = {
  scenario: Scenario;
  /** Absent if the backlog never reached zero. */
  verdict: Verdict | undefined;
  /** What the oracle found, redeliveries that nothing excuses, and what stalled. Empty if nothing is wrong. */
  problems: string[];
  notes: string[];
  /** The logs of the gateways, for whoever investigates a problem. */
  logs: string[];
  tookMs: number;
  /** A fault could not be injected or undone, so the state of the cluster is unknown. */
  isClusterBroken: boolean;
};

/** So much of the logs is part of a failure that nobody may be able to look into again. */
const lastLines = 12;

export async function runScenario(
  cluster: Cluster,
  scenario: Scenario,
  onStep: (line: string) => void = () => undefined,
): Promise<Outcome> {
  const scope = createScope();
  const startMs = Date.now();
  const steps: string[] = [];
  const report = (line: string): void => {
    steps.push(`${new Date().toISOString()} ${line}`);
    onStep(`${seconds(Date.now() - startMs).padStart(7)} ${line}`);
  };
  try {
    const testbed = await createTestbed(scope, cluster, scenario, report);
    excuseStarvation(testbed, scope);
    const verdict = await run(testbed).catch((error: unknown) => {
      testbed.problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    });
    const { problems, notes, starvedMs } = testbed;
    if (starvedMs > 0)
      notes.push(`for ${seconds(starvedMs)} a process got too little CPU, which excuses redeliveries`);
    return {
      scenario,
      verdict,
      problems: [...problems, ...(verdict?.problems ?? []), ...describeRepetitions(verdict)],
      notes,
      logs: [...steps, ...testbed.logs, ...describeEvidence(testbed.oracle, verdict)],
      tookMs: Date.now() - startMs,
      isClusterBroken: testbed.isClusterBroken,
    };
  } finally {
    await scope.end();
  }
}

/** A request of a process that gets no CPU runs into its timeout: whatever was answered meanwhile may come again. */
function excuseStarvation(testbed: Testbed, scope: Scope): void {
  const { slots, scenario } = testbed;
  const { timeoutMs } = scenario.shape;
  const end = new AbortController();
  const watched = () => [
    { name: 'the function', pid: process.pid },
    ...slots.flatMap(({ name, process: one }) => (one === undefined ? [] : [{ name, pid: one.pid }])),
  ];
  let starvedToMs = 0;
  const onStarved = ({ name, fromMs, toMs }: Starvation): void => {
    const gateway = slots.find((slot) => slot.name === name)?.instances.at(-1);
    exposeAll(testbed, { why: `${name} got no CPU`, gateway, fromMs: fromMs - timeoutMs, toMs });
    testbed.starvedMs += toMs - Math.max(fromMs, starvedToMs);
    starvedToMs = toMs;
  };
  const watching = watchStarvation(watched, timeoutMs, onStarved, end.signal);
  scope.teardown(async () => {
    end.abort();
    await watching;
  });
}

async function run(testbed: Testbed): Promise<Verdict> {
  const { scenario, oracle, slots } = testbed;
  const first = slots.slice(0, scenario.shape.gateways);
  await Promise.all(first.map((slot) => startGateway(testbed, slot)));
  await Promise.all(first.map((slot) => untilConsuming(testbed, slot)));
  oracle.watchCommits();
  const endLoad = startLoad(oracle, scenario);
  const missing = scenario.tracks.some(({ steps }) => steps[0]?.fault.kind === 'dead-letter-missing');
  if (!missing) await until(() => oracle.delivered > 100, bounds.settleMs);
  const results = await Promise.allSettled(
    scenario.tracks.map(({ track, steps }) => runTrack(testbed, track, steps)),
  );
  const failure = results.find((one) => one.status === 'rejected');
  if (failure !== undefined) {
    testbed.isClusterBroken = true;
    await Promise.race([endLoad().catch(() => undefined), delay(bounds.recoveryMs)]);
    throw new Error(`the schedule could not be run: ${String(failure.reason)}`);
  }
  if (scenario.part !== undefined) await injectPartFault(testbed, scenario.part);
  await endLoad();
  testbed.report(`faults are over: ${oracle.delivered} of ${oracle.acknowledged} delivered`);
  const used = slots.filter(({ instances }) => instances.length > 0);
  for (const exposure of exposuresOf(disruptionsOf(testbed), used)) exposeAll(testbed, exposure);
  const evaluate = (one: Oracle): Promise<Verdict> =>
    one.verdict({ limitMs: bounds.settleMs }).catch(async (error: unknown) => {
      const last = testbed.logs.slice(-lastLines).join('\n');
      throw new Error(
        `stuck: ${String(error)}; ${await describeGateways(testbed)}; the last lines:\n${last}`,
      );
    });
  const verdict = await evaluate(oracle);
  if (testbed.second !== undefined) {
    const { oracle: of } = testbed.second;
    const found = await evaluate(of);
    const problems = [...found.problems, ...describeRepetitions(found)];
    testbed.problems.push(...problems.map((problem) => `second topic: ${problem}`));
    testbed.logs.push(...describeEvidence(of, found).map((line) => `second topic: ${line}`));
  }
  testbed.report('the oracle has evaluated the evidence');
  return verdict;
}

async function runTrack(testbed: Testbed, track: Track, steps: readonly Step[]): Promise<void> {
  for (const { afterMs, fault } of steps) {
    await delay(afterMs);
    testbed.report(`${track}: ${describeFault(fault)}`);
    await inject(testbed, fault);
    testbed.report(`${track}: ${fault.kind} is over`);
  }
}

function inject(testbed: Testbed, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
    case 'broker-rolling-restart':
    case 'leader-move':
    case 'coordinator-move':
    case 'kafka-outage':
    case 'min-isr-loss':
      return injectBrokerFault(testbed, fault);
    case 'gateway-rolling-restart':
    case 'gateway-kill':
    case 'gateway-pause':
    case 'gateway-join':
      return injectGatewayFault(testbed, fault);
    case 'dead-letter-missing':
    case 'dead-letter-too-small':
    case 'dead-letter-unauthorised':
    case 'dead-letter-full':
      return injectDeadLetterFault(testbed, fault);
    case 'kafka-network':
    case 'function-network':
      return injectNetworkFault(testbed, fault);
    default:
      return injectFunctionFault(testbed, fault);
  }
}

async function describeGateways({ slots }: Testbed): Promise<string> {
  const states = slots.map(async ({ name, process }) => {
    if (process === undefined) return `${name} is not running`;
    const trigger = await process.trigger().catch(String);
    return `${name} ${JSON.stringify(trigger)}`;
  });
  return (await Promise.all(states)).join('; ');
}

/** All excuses, and what happened to each record that was delivered again without one. */
function describeEvidence(oracle: Oracle, verdict: Verdict | undefined): string[] {
  const at = (ms: number | undefined): string =>
    ms === undefined ? 'never' : Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'the end';
  const places = new Set(verdict?.unexplained.map(placeOf));
  return [
    ...oracle.exposures.map(
      ({ why, gateway, fromMs, toMs, lettersOnly }) =>
        `excuse: ${why}, ${gateway ?? 'all'}, ${at(fromMs)} to ${at(toMs)}${lettersOnly ? ', letters only' : ''}`,
    ),
    ...oracle.standstills.map(({ fromMs, toMs }) => `no commits taken: ${at(fromMs)} to ${at(toMs)}`),
    ...oracle.receipts
      .filter((receipt) => places.has(placeOf(receipt)))
      .map(
        (receipt) =>
          `${placeOf(receipt)} ${receipt.id} by ${receipt.via}: received ${at(receipt.receivedMs)}, accepted ${at(
            receipt.acceptedMs,
          )}${receipt.doubt === undefined ? '' : `, in doubt: ${receipt.doubt}`}`,
      ),
  ];
}

function describeRepetitions(verdict: Verdict | undefined): string[] {
  const unexplained = verdict?.unexplained ?? [];
  if (unexplained.length === 0) return [];
  const some = unexplained
    .slice(0, 3)
    .map(({ partition, offset, via }) => `${partition}@${offset} by ${via}`);
  return [`delivered again without an excuse (${unexplained.length}): ${some.join(', ')}`];
}
