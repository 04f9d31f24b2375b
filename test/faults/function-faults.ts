// The function fails in every way that a server can, and goes away. While it is away its address refuses, as a Service without
// endpoints does.
import { setTimeout as delay } from 'node:timers/promises';
import type { Mood } from './misbehave.ts';
import type { FunctionFault } from './scenario.ts';
import type { Stage } from './stage.ts';

export async function inflictOnFunction(stage: Stage, fault: FunctionFault): Promise<void> {
  switch (fault.kind) {
    case 'function-answers':
      return inMood(stage, { kind: 'answers', status: fault.status }, fault.forMs);
    case 'function-hang':
      return inMood(stage, { kind: 'hang' }, fault.forMs);
    case 'function-slow':
      return inMood(stage, { kind: 'slow' }, fault.forMs);
    case 'function-late':
      return inMood(stage, { kind: 'late' }, fault.forMs);
    case 'function-reset':
      return inMood(stage, { kind: 'reset' }, fault.forMs);
    case 'function-crash':
      return crash(stage, fault.forMs);
    case 'function-scale-down':
      refuse(stage);
      await stage.fn.refuse();
      return comeBack(stage, fault.forMs);
    case 'function-away':
      refuse(stage);
      return comeBack(stage, fault.forMs);
  }
}

async function inMood({ moods }: Stage, mood: Mood, forMs: number): Promise<void> {
  moods.mood = mood;
  await delay(forMs);
  moods.mood = { kind: 'well' };
}

/** On its next request, which may not come soon: then it is left alone. */
async function crash(stage: Stage, forMs: number): Promise<void> {
  const { moods, fn } = stage;
  let isDead = false;
  const die = (): void => {
    moods.mood = { kind: 'well' };
    if (isDead) return;
    isDead = true;
    refuse(stage);
    void fn.refuse();
  };
  moods.mood = { kind: 'crash', die };
  await delay(forMs);
  moods.mood = { kind: 'well' };
  await comeBack(stage, 0);
}

function refuse({ seats }: Stage): void {
  for (const { functionProxy } of seats) functionProxy.refuse();
}

async function comeBack({ fn, seats }: Stage, afterMs: number): Promise<void> {
  await delay(afterMs);
  await fn.accept();
  for (const { functionProxy } of seats) await functionProxy.accept();
}
