// Teardown outside of a tap test. Runs in reverse order, and goes on when one step fails.

/** A tap test, or a scope. */
export type Teardown = { teardown(end: () => Promise<unknown>): unknown };

export type Scope = {
  teardown(end: () => Promise<unknown>): void;
  end(): Promise<void>;
};

export function createScope(): Scope {
  const ends: (() => Promise<unknown>)[] = [];
  return {
    teardown: (end) => void ends.push(end),
    end: async () => {
      for (const end of ends.splice(0).reverse()) await end().catch(() => undefined);
    },
  };
}
