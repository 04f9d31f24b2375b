// An incremental fetch session (KIP-227): what its broker has been told, and what is new since, so that a partition at rest is on the
// wire once. Pure. One request is under way at a time; what changes meanwhile stands in the next one.
import {
  isSamePosition,
  keyOf,
  type FetchPosition,
  type PartitionId,
  type SessionPosition,
} from './fetch-request.ts';

export interface SessionRequest extends SessionPosition {
  readonly byId: boolean;
  readonly positions: readonly FetchPosition[];
  readonly forgotten: readonly PartitionId[];
}

/** What becomes of a session by an answer. */
export type SessionOutcome =
  /** What the answer does not name has nothing to be told. */
  | 'goes on'
  /** The broker has no such session, or has lost count: nothing of the answer counts, the next request begins another one. */
  | 'begins anew'
  /** The request failed for a cause that has nothing to do with its session. */
  | 'failed';

/** FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR, INCONSISTENT_TOPIC_ID. */
const sessionErrors: ReadonlySet<number> = new Set([70, 71, 106, 103]);
const firstEpoch = 0;

export class FetchSession {
  /** By name: what is to be in the session. */
  readonly #wanted = new Map<string, FetchPosition>();
  /** Of these, what the broker does not know yet as it is. */
  readonly #changed = new Map<string, FetchPosition>();
  /** What the broker still has, and is to forget. */
  readonly #forgotten = new Map<string, FetchPosition>();
  /** What the broker has. */
  readonly #told = new Map<string, FetchPosition>();
  #withoutId = 0;
  #byId = true;
  #sessionId = 0;
  #epoch = firstEpoch;

  get size(): number {
    return this.#wanted.size;
  }

  put(position: FetchPosition): void {
    const name = keyOf(position, false);
    this.#count(this.#wanted.get(name), -1);
    this.#count(position, 1);
    this.#wanted.set(name, position);
    const told = this.#told.get(name);
    // To the broker a topic that was created again is another one.
    if (told !== undefined && told.topicId !== position.topicId) this.#forgotten.set(name, told);
    else this.#forgotten.delete(name);
    if (told === undefined || !isSamePosition(told, position)) this.#changed.set(name, position);
    else this.#changed.delete(name);
  }

  remove(partition: PartitionId): void {
    const name = keyOf(partition, false);
    this.#count(this.#wanted.get(name), -1);
    this.#wanted.delete(name);
    this.#changed.delete(name);
    const told = this.#told.get(name);
    if (told !== undefined) this.#forgotten.set(name, told);
  }

  /** The next request. It counts as taken until `answered` or `lost` says otherwise. */
  next(): SessionRequest {
    const byId = this.#withoutId === 0;
    // A session has names or ids, never both.
    if (byId !== this.#byId) this.#restart();
    this.#byId = byId;
    const positions = [...(this.#epoch === firstEpoch ? this.#wanted : this.#changed).values()];
    const forgotten = [...this.#forgotten.values()];
    for (const name of this.#forgotten.keys()) this.#told.delete(name);
    for (const position of positions) this.#told.set(keyOf(position, false), position);
    this.#changed.clear();
    this.#forgotten.clear();
    return { sessionId: this.#sessionId, sessionEpoch: this.#epoch, byId, positions, forgotten };
  }

  answered(errorCode: number, sessionId: number): SessionOutcome {
    if (errorCode !== 0) {
      this.#restart(errorCode === 70);
      return sessionErrors.has(errorCode) ? 'begins anew' : 'failed';
    }
    // Where the broker gives no session, each request asks for all.
    if (sessionId === 0) this.#restart(true);
    else {
      this.#sessionId = sessionId;
      this.#epoch = epochAfter(this.#epoch);
    }
    return 'goes on';
  }

  /** No answer came: whether the broker has taken the request, nobody knows. */
  lost(): void {
    this.#restart();
  }

  /** The first request of a session that names another one ends that. */
  #restart(isGone = false): void {
    if (isGone) this.#sessionId = 0;
    this.#epoch = firstEpoch;
    this.#told.clear();
    this.#forgotten.clear();
    this.#changed.clear();
  }

  #count(position: FetchPosition | undefined, by: number): void {
    if (position !== undefined && position.topicId === undefined) this.#withoutId += by;
  }
}

/** Begins again at 1: 0 is for a new session. */
export function epochAfter(epoch: number): number {
  return epoch === 2 ** 31 - 1 ? 1 : epoch + 1;
}
