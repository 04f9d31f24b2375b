// The delivery guarantees as times. Only this file decides how strict the oracle of the fault suite is: whoever raises a number promises
// less, and must say so in docs/delivery-semantics.md.
export const bounds = {
  /**
   * A record that was accepted longer ago than this is committed or in the progress mark, so a crash does not repeat it. The gateway
   * commits every 100 ms under load. The rest is the time that an answer and a commit take on a busy machine.
   */
  commitMs: 1_000,
  /** After a disruption of Kafka ends, the gateway commits what is settled within this time. */
  recoveryMs: 5_000,
  /** A member that is cut off this long may lose its partitions: the session timeout is 10 s, and the last heartbeat may have been late. */
  sessionRiskMs: 6_000,
  /** A group that takes no commits for less than this is between two generations. */
  standstillMs: 500,
  /** Certainly longer than the session timeout. */
  pastSessionMs: 12_000,
  /** A gateway whose session has expired notices within this time after it is back. */
  noticeMs: 1_000,
  /** After SIGTERM a gateway ends within its drain limit plus this time. */
  stopMs: 10_000,
  drainLimitMs: 10_000,
  /** While a part is in trouble, a record of the others waits no longer than this: less than the session of a member that is expelled. */
  othersMs: 8_000,
  /** What must happen once a fault is over happens within this time. Until the backlog is zero, no such time goes by without a record settled. */
  settleMs: 60_000,
} as const;
