// What the group has given to a member: told by topic ids, which are looked up here, and kept by names.
import { partitionName, type TopicPartition } from '../../contract/record.ts';
import type { Topology } from '../connection/topology.ts';
import type { PartitionsById } from './consumer-requests.ts';

export class GivenPartitions {
  readonly #topology: Topology;
  readonly #topics: readonly string[];
  #told: PartitionsById = new Map();
  /** Name → id, as it was when the topic was given last: a topic that is made again has another one. */
  readonly #ids = new Map<string, string>();
  /** Whose ids have a name. */
  #list: readonly TopicPartition[] = [];
  #isResolved = true;

  /** `topics`: those that the member reads. */
  constructor(topology: Topology, topics: readonly string[]) {
    this.#topology = topology;
    this.#topics = topics;
  }

  get list(): readonly TopicPartition[] {
    return this.#list;
  }

  /** False while there is no name for some id: a broker may not know of a topic yet that its coordinator has given. */
  get isResolved(): boolean {
    return this.#isResolved;
  }

  /** All that was given is in `owned`. */
  isIn(owned: readonly TopicPartition[]): boolean {
    const names = new Set(owned.map(partitionName));
    return this.#isResolved && this.#list.every((one) => names.has(partitionName(one)));
  }

  /** Something in `owned` was not given, or is not any more. */
  lacks(owned: readonly TopicPartition[]): boolean {
    const names = new Set(this.#list.map(partitionName));
    return owned.some((one) => !names.has(partitionName(one)));
  }

  /** How `owned` is said to the group. */
  idsOf(owned: readonly TopicPartition[]): PartitionsById {
    const byId = new Map<string, number[]>();
    for (const { topic, partition } of owned) {
      const id = this.#ids.get(topic);
      // Only what the group has given has an id here; nothing else is ours to claim.
      if (id === undefined) continue;
      const partitions = byId.get(id);
      if (partitions === undefined) byId.set(id, [partition]);
      else partitions.push(partition);
    }
    return byId;
  }

  /** Of what a member had that went on as this one: the ids that the topics have now. Rejects where no broker answers. */
  async learnIds(owned: readonly TopicPartition[], deadlineMs: number): Promise<void> {
    const unknown = new Set(owned.map(({ topic }) => topic).filter((topic) => !this.#ids.has(topic)));
    if (unknown.size === 0) return;
    const view = await this.#topology.topics(unknown, deadlineMs);
    for (const topic of unknown) {
      const id = view.idOf(topic);
      if (id !== undefined) this.#ids.set(topic, id);
    }
  }

  isSameAs(before: readonly TopicPartition[]): boolean {
    if (before === this.#list) return true;
    const names = new Set(before.map(partitionName));
    return before.length === this.#list.length && this.#list.every((one) => names.has(partitionName(one)));
  }

  forget(): void {
    this.#told = new Map();
    this.#list = [];
    this.#isResolved = true;
  }

  /** `told`: undefined for what was told last, whose names are looked up again. Never rejects: what is not known stays to be looked up. */
  async take(told: PartitionsById | undefined, deadlineMs: number): Promise<void> {
    this.#told = told ?? this.#told;
    const names = await this.#namesOf([...this.#told.keys()], deadlineMs);
    this.#isResolved = [...this.#told.keys()].every((id) => names.has(id));
    for (const [id, name] of names) this.#ids.set(name, id);
    this.#list = [...this.#told].flatMap(([id, partitions]) => {
      const topic = names.get(id);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
  }

  async #namesOf(ids: readonly string[], deadlineMs: number): Promise<Map<string, string>> {
    const names = new Map<string, string>();
    for (const [topic, id] of this.#ids) if (ids.includes(id)) names.set(id, topic);
    for (const isFresh of [false, true]) {
      if (ids.every((id) => names.has(id))) break;
      // What is kept of them is older than what the group has given.
      if (isFresh) this.#topology.forgetTopics(this.#topics);
      const view = await this.#topology.topics(new Set(this.#topics), deadlineMs).catch(() => undefined);
      for (const topic of this.#topics) {
        const id = view?.idOf(topic);
        if (id !== undefined && ids.includes(id)) names.set(id, topic);
      }
    }
    return names;
  }
}
