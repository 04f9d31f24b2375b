// The meter that bounds the cost of an evaluation. Tenants write expressions and payloads: without a bound, `data.all(x, data.all(…))` over
// a large payload would delay every trigger of the gateway. It counts units and not time, so that the result for an event does not depend
// on the load of the machine.

/** One unit is about the cost of one operator: 0.1 to 0.5 µs. The most costly evaluation takes some tens of milliseconds. */
export const maxCost = 100_000;

/** Ends an evaluation at once. It is thrown, so operators that swallow errors of CEL, such as `||` and `exists`, do not catch it. */
export class CostExceeded extends Error {
  constructor() {
    super('the evaluation costs more than is allowed: the payload is too large for this expression');
    this.name = 'CostExceeded';
  }
}

let spent = 0;

/** Evaluations are synchronous: only one runs at a time, and all units that are spent belong to it. */
export function startMeter(): void {
  spent = 0;
}

export function spend(units: number): void {
  spent += units;
  if (spent > maxCost) throw new CostExceeded();
}

/** Throws if the limit is exceeded, also if the first error about that was caught. */
export function checkMeter(): void {
  if (spent > maxCost) throw new CostExceeded();
}

/** The units that are spent so far. */
export function spentUnits(): number {
  return spent;
}
