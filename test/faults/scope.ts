// What is to be ended, outside of a test. Ends in reverse order; one that fails does not keep the others from their turn.

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
