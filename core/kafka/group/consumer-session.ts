// How long a group waits for a member that it does not hear of (`consumer.session.timeout.ms`). Heartbeats do not say it; the
// configuration of the group does, to those who may read it.
import type { Connections } from '../connection/broker-connections.ts';
import { flexible, type KafkaRequest } from '../protocol/wire-requests.ts';

/** What brokers allow at least, by default (`group.consumer.min.session.timeout.ms`), in ms. */
const usualMinimumMs = 45_000;
const setting = 'consumer.session.timeout.ms';

/** How long it is believed, and how long an answer is waited for, in ms. */
const ageMs = 300_000;
const answerMs = 10_000;

export interface GroupSessionOptions {
  readonly connections: Connections;
  readonly groupId: string;
}

export class GroupSession {
  readonly #options: GroupSessionOptions;
  readonly #told: (timeoutMs: number | undefined) => void;
  #readMs = Number.NEGATIVE_INFINITY;

  /**
   * `told` is called with the session timeout in ms; with undefined where it is not told, for want of DescribeConfigs on the group. It is not
   * more than brokers allow at least: a group whose setting is lowered later may still be relied on for that long.
   */
  constructor(options: GroupSessionOptions, told: (timeoutMs: number | undefined) => void) {
    this.#options = options;
    this.#told = told;
  }

  /** Reads it where that was long ago. Nobody waits for it. */
  refresh(): void {
    const nowMs = performance.now();
    if (nowMs - this.#readMs < ageMs) return;
    this.#readMs = nowMs;
    const { connections, groupId } = this.#options;
    connections.sendToAny(groupConfigRequest(groupId, [setting]), nowMs + answerMs).then(
      (configs) => this.#told(sessionIn(configs)),
      // With the next heartbeat.
      () => (this.#readMs = Number.NEGATIVE_INFINITY),
    );
  }
}

function sessionIn(configs: ReadonlyMap<string, string>): number | undefined {
  const timeoutMs = Number(configs.get(setting));
  return timeoutMs > 0 ? Math.min(timeoutMs, usualMinimumMs) : undefined;
}

const groupResource = 32;

/** DescribeConfigs v4, of one group: setting → value; without those that are not told. */
function groupConfigRequest(
  groupId: string,
  settings: readonly string[],
): KafkaRequest<ReadonlyMap<string, string>> {
  return flexible('DescribeConfigs', 32, 4, {
    write: (writer) =>
      writer
        .array([groupId], (to, group) =>
          to
            .int8(groupResource)
            .string(group)
            .array(settings, (each, name) => each.string(name))
            .tags(),
        )
        .bool(false)
        .bool(false),
    read(reader) {
      reader.int32();
      const configs = reader.array((from) => {
        // Whoever may not read them gets an error and no settings.
        from.int16();
        from.string();
        from.int8();
        from.string();
        const entries = from.array((each) => {
          const entry = [each.string() ?? '', each.string() ?? ''] as const;
          each.bool();
          each.int8();
          each.bool();
          each.array((synonym) => {
            synonym.string();
            synonym.string();
            synonym.int8();
            synonym.tags();
          });
          each.int8();
          each.string();
          each.tags();
          return entry;
        });
        from.tags();
        return entries;
      });
      return new Map(configs.flat());
    },
  });
}
