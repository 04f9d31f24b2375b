// The function fails in every way that a server can, or goes away. While it is away, its address refuses connections, as a Service
// without endpoints does.
import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionMode } from '../testbed/faulty-function.ts';
import type { FunctionFault } from '../scenario/scenario.ts';
import type { Testbed } from '../testbed/testbed.ts';

export async function injectFunctionFault(testbed: Testbed, fault: FunctionFault): Promise<void> {
  switch (fault.kind) {
    case 'function-answers':
      return inMode(testbed, { kind: 'answers', status: fault.status }, fault.forMs);
    case 'function-hang':
      return inMode(testbed, { kind: 'hang' }, fault.forMs);
    case 'function-slow':
      return inMode(testbed, { kind: 'slow' }, fault.forMs);
    case 'function-late':
      return inMode(testbed, { kind: 'late' }, fault.forMs);
    case 'function-reset':
      return inMode(testbed, { kind: 'reset' }, fault.forMs);
    case 'function-crash':
      return crash(testbed, fault.forMs);
    case 'function-scale-down':
      refuse(testbed);
      await testbed.fn.refuse();
      return comeBack(testbed, fault.forMs);
    case 'function-away':
      refuse(testbed);
      return comeBack(testbed, fault.forMs);
  }
}

async function inMode({ faultyFunction }: Testbed, mode: FunctionMode, forMs: number): Promise<void> {
  faultyFunction.mode = mode;
  await delay(forMs);
  faultyFunction.mode = { kind: 'healthy' };
}

/** The function crashes on its next request. It does not crash if no request arrives within `forMs`. */
async function crash(testbed: Testbed, forMs: number): Promise<void> {
  const { faultyFunction, fn } = testbed;
  let isDead = false;
  const die = (): void => {
    faultyFunction.mode = { kind: 'healthy' };
    if (isDead) return;
    isDead = true;
    refuse(testbed);
    void fn.refuse();
  };
  faultyFunction.mode = { kind: 'crash', die };
  await delay(forMs);
  faultyFunction.mode = { kind: 'healthy' };
  await comeBack(testbed, 0);
}

function refuse({ slots }: Testbed): void {
  for (const { functionProxy } of slots) functionProxy.refuse();
}

async function comeBack({ fn, slots }: Testbed, afterMs: number): Promise<void> {
  await delay(afterMs);
  await fn.accept();
  for (const { functionProxy } of slots) await functionProxy.accept();
}
