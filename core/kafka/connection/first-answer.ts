// One question to several brokers that can all answer it: the next one is asked as soon as the last one has failed, or is slow to answer. A
// broker that hangs holds nobody up for longer than that.

export interface FirstAnswerOptions {
  /** A broker that has not answered for so long is not waited for alone, in ms. */
  readonly patienceMs: number;
  /** No further one is asked once this is over, in ms of `performance.now()`. */
  readonly deadlineMs: number;
  /** Whether no other broker need be asked. */
  readonly isFinal: (error: unknown) => boolean;
}

/** Resolves with the first answer; rejects with the first error that is final, or the last one. At least one of `ways` is tried. */
export function firstAnswer<T>(
  ways: readonly (() => Promise<T>)[],
  { patienceMs, deadlineMs, isFinal }: FirstAnswerOptions,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const left = ways.values();
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;
  let isOver = false;
  const end = (settle: () => void): void => {
    isOver = true;
    clearTimeout(timer);
    settle();
  };
  const ask = async (way: () => Promise<T>): Promise<void> => {
    underWay += 1;
    try {
      const answer = await way();
      end(() => resolve(answer));
    } catch (error) {
      underWay -= 1;
      if (isFinal(error)) end(() => reject(error));
      else next(error);
    }
  };
  const next = (failure: unknown): void => {
    if (isOver) return;
    clearTimeout(timer);
    const isLate = failure !== undefined && performance.now() >= deadlineMs;
    const way = isLate ? undefined : left.next().value;
    if (way !== undefined) {
      timer = setTimeout(() => next(undefined), patienceMs);
      void ask(way);
    } else if (underWay === 0) end(() => reject(failure));
  };
  next(undefined);
  return promise;
}
