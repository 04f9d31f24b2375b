// One seed: set up, load, faults in their time, everything mended, the backlog back to zero, the verdict.
import { setTimeout as delay } from 'node:timers/promises';
import { placeOf } from '../fixtures/oracle/oracle-evidence.ts';
import type { Verdict } from '../fixtures/oracle/oracle-verdict.ts';
import { until } from '../scaler/fixtures/until.ts';
import { bounds } from './bounds.ts';
import { inflictOnBrokers } from './broker-faults.ts';
import type { Cluster } from './cluster.ts';
import { inflictOnDeadLetters } from './dead-letter-faults.ts';
import { inflictOnFunction } from './function-faults.ts';
import { inflictOnGateways, startGateway, untilConsuming } from './gateway-faults.ts';
import { startLoad } from './load.ts';
import { inflictOnNet } from './net-faults.ts';
import { describeFault, seconds, type Fault, type Scenario, type Step, type Track } from './scenario.ts';
import { createScope } from './scope.ts';
import { setStage, troublesOf, type Stage } from './stage.ts';
import { exposuresOf } from './troubles.ts';

export type Outcome = {
  scenario: Scenario;
  /** Absent where the backlog never was zero. */
  verdict: Verdict | undefined;
  /** Empty where nothing is wrong: all that the oracle found, repetitions that nothing excuses, and what stood still. */
  problems: string[];
  notes: string[];
  /** What the gateways logged, for whoever looks into a problem. */
  logs: string[];
  tookMs: number;
  /** A fault could not be done or undone: nobody knows what state the cluster is in. */
  isClusterSpoilt: boolean;
};

export async function runScenario(
  cluster: Cluster,
  scenario: Scenario,
  say: (line: string) => void = () => undefined,
): Promise<Outcome> {
  const scope = createScope();
  const startMs = Date.now();
  const told: string[] = [];
  const tell = (line: string): void => {
    told.push(`${new Date().toISOString()} ${line}`);
    say(`${seconds(Date.now() - startMs).padStart(7)} ${line}`);
  };
  try {
    const stage = await setStage(scope, cluster, scenario, tell);
    const verdict = await play(stage).catch((error: unknown) => {
      stage.problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    });
    const { problems, notes } = stage;
    return {
      scenario,
      verdict,
      problems: [...problems, ...(verdict?.problems ?? []), ...describeRepetitions(verdict)],
      notes,
      logs: [...told, ...stage.logs, ...describeEvidence(stage, verdict)],
      tookMs: Date.now() - startMs,
      isClusterSpoilt: stage.isClusterSpoilt,
    };
  } finally {
    await scope.end();
  }
}

async function play(stage: Stage): Promise<Verdict> {
  const { scenario, oracle, seats } = stage;
  const first = seats.slice(0, scenario.shape.gateways);
  await Promise.all(first.map((seat) => startGateway(stage, seat)));
  await Promise.all(first.map((seat) => untilConsuming(stage, seat)));
  oracle.watchCommits();
  const endLoad = startLoad(oracle, scenario);
  const missing = scenario.tracks.some(({ steps }) => steps[0]?.fault.kind === 'dead-letter-missing');
  if (!missing) await until(() => oracle.delivered > 100, bounds.settleMs);
  const played = await Promise.allSettled(
    scenario.tracks.map(({ track, steps }) => playTrack(stage, track, steps)),
  );
  const failure = played.find((one) => one.status === 'rejected');
  if (failure !== undefined) {
    stage.isClusterSpoilt = true;
    await Promise.race([endLoad().catch(() => undefined), delay(bounds.recoveryMs)]);
    throw new Error(`the schedule could not be played: ${String(failure.reason)}`);
  }
  await endLoad();
  stage.say(`faults are over: ${oracle.delivered} of ${oracle.acknowledged} delivered`);
  const used = seats.filter(({ lives }) => lives.length > 0);
  for (const exposure of exposuresOf(troublesOf(stage), used)) oracle.expose(exposure);
  const verdict = await oracle.verdict({ limitMs: bounds.settleMs }).catch(async (error: unknown) => {
    throw new Error(`stuck: ${String(error)}; ${await describeGateways(stage)}`);
  });
  stage.say('judged');
  return verdict;
}

async function playTrack(stage: Stage, track: Track, steps: readonly Step[]): Promise<void> {
  for (const { afterMs, fault } of steps) {
    await delay(afterMs);
    stage.say(`${track}: ${describeFault(fault)}`);
    await inflict(stage, fault);
    stage.say(`${track}: ${fault.kind} is over`);
  }
}

function inflict(stage: Stage, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
    case 'broker-rolling-restart':
    case 'leader-move':
    case 'coordinator-move':
    case 'kafka-outage':
    case 'min-isr-loss':
      return inflictOnBrokers(stage, fault);
    case 'gateway-rolling-restart':
    case 'gateway-kill':
    case 'gateway-pause':
    case 'gateway-join':
      return inflictOnGateways(stage, fault);
    case 'dead-letter-missing':
    case 'dead-letter-too-small':
    case 'dead-letter-unauthorised':
    case 'dead-letter-full':
      return inflictOnDeadLetters(stage, fault);
    case 'kafka-net':
    case 'function-net':
      return inflictOnNet(stage, fault);
    default:
      return inflictOnFunction(stage, fault);
  }
}

async function describeGateways({ seats }: Stage): Promise<string> {
  const states = seats.map(async ({ name, process }) => {
    if (process === undefined) return `${name} is not there`;
    const trigger = await process.trigger().catch(String);
    return `${name} ${JSON.stringify(trigger)}`;
  });
  return (await Promise.all(states)).join('; ');
}

/** What happened to each record that came again without an excuse, and what there was of excuses. */
function describeEvidence({ oracle }: Stage, verdict: Verdict | undefined): string[] {
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
  return [`delivered again, and nothing excuses it (${unexplained.length}): ${some.join(', ')}`];
}
