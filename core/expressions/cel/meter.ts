// What an evaluation may cost. An expression and a payload are other people's: without a bound, `data.all(x, data.all(…))`
// over a large payload would hold up every trigger of the gateway. Counted, not timed, so that an event passes or not
// whatever else the machine does.

/** One unit is about as much as one operator: 0.1 to 0.5 µs. The worst that is allowed takes some tens of milliseconds. */
export const maxCost = 100_000;

/** Ends an evaluation at once: it is thrown past everything in CEL that swallows errors, such as `||` and `exists`. */
export class CostExceeded extends Error {
  constructor() {
    super('the evaluation costs more than an evaluation may: the payload is too large for this expression');
    this.name = 'CostExceeded';
  }
}

let spent = 0;

/** Evaluations are synchronous: there is never more than one under way, and what its values cost is on its account. */
export function startMeter(): void {
  spent = 0;
}

export function spend(units: number): void {
  spent += units;
  if (spent > maxCost) throw new CostExceeded();
}

/** Throws if the account is overdrawn, though somebody caught that. */
export function checkMeter(): void {
  if (spent > maxCost) throw new CostExceeded();
}

/** How much of the account is used. */
export function spentUnits(): number {
  return spent;
}
