// What the engine promises, in times. Here alone the oracle of the fault suite is strict or lenient: whoever raises a number
// promises less, and says so in docs/delivery-semantics.md.
export const bounds = {
  /**
   * What was accepted longer ago than this is committed, or stands in the progress mark: it survives a crash. The gateway
   * commits every 100 ms under load; the rest is what an answer, and a commit, take on a busy machine.
   */
  commitMs: 1_000,
  /** When Kafka is back after a trouble, what is due is committed within this time. */
  recoveryMs: 5_000,
  /** Who is away from its group this long may lose its partitions; the session timeout is 10 s, a heartbeat may be late. */
  sessionRiskMs: 6_000,
  /** A group that takes no commits for less than this is only between two generations. */
  standstillMs: 500,
  /** Certainly past the session. */
  pastSessionMs: 12_000,
  /** A gateway that was away past its session notices it within this time after its return. */
  noticeMs: 1_000,
  /** Told to stop, a gateway has ended after its drain limit and this. */
  stopMs: 10_000,
  drainLimitMs: 10_000,
  /** When every fault is over, the backlog is zero within this time. */
  settleMs: 120_000,
} as const;
