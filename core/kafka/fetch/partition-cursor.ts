// One partition that is fetched for somebody: whether it may be fetched, from where, at which broker, and what is the matter with it.
//
//   paused ◄──────► wanted ──no leader known──► sought ──► at a broker, which fetches it again and again
//                     ▲                                       │ failed: told when it lasts
//                     └────────────── after a pause ◄─────────┘
import { MillraceError } from '../../contract/errors.ts';
import type { TopicPartition } from '../../contract/record.ts';
import type { FetchListener, PartitionFetch, UnreadablePlace } from './fetcher.ts';
import type { FetchPosition } from './fetch-request.ts';

/** Where a partition is fetched. */
export interface FetchPlace {
  /** It may be fetched from now on, from its present position. */
  want(cursor: PartitionCursor): void;
  /** It is not to be fetched any more, or from elsewhere. */
  unwant(cursor: PartitionCursor): void;
  /** When the place last knew that there is nothing at the position, in ms of `performance.now()`. */
  answeredMs(cursor: PartitionCursor): number | undefined;
}

export interface LocatedPartition {
  readonly place: FetchPlace;
  readonly topicId: string | undefined;
  readonly leaderEpoch: number;
  /** A replica that its leader has named. */
  readonly isNearer: boolean;
}

/** Whoever opened it. */
export interface CursorOwner {
  /** Looks for its leader, and answers with `located` or `failed`. */
  find(cursor: PartitionCursor): void;
  closed(cursor: PartitionCursor): void;
}

export interface FailureTiming {
  /** Told of at once, not only where it lasts. */
  readonly atOnce?: boolean;
  /** Pause before it is tried again, in ms; absent: one that doubles. */
  readonly retryMs?: number;
  /** The batch that is the cause. */
  readonly unreadable?: UnreadablePlace;
}

/** Pauses before a partition is tried again, in ms: doubled each time. */
const retryMs = { first: 100, most: 5_000 } as const;
/** What passes sooner is not told, in ms: leaders move. */
const passingMs = 1_000;

export class PartitionCursor implements PartitionFetch {
  readonly topic: string;
  readonly partition: number;
  readonly listener: FetchListener;
  /** Undefined until it is said where to begin, or to go on. */
  offset: bigint | undefined;
  /** Leader epoch of the record before `offset`; -1 where that is not known. */
  lastEpoch = -1;
  /** Another one with each `seek`, failure and change of place: what was asked for before is not handed over. */
  version = 0;
  topicId: string | undefined;
  leaderEpoch = -1;
  /** When records last came, in ms of `performance.now()`. */
  recordsMs = -Infinity;
  /** There was no room for it: whether it has records is not known. */
  isBehind = false;
  /** A replica that is nearer than the leader, and until when it is asked, in ms of `performance.now()`. */
  nearer: { readonly nodeId: number; readonly untilMs: number } | undefined;
  readonly #owner: CursorOwner;
  #located: LocatedPartition | undefined;
  #isPaused = true;
  #isClosed = false;
  #isSought = false;
  #answeredMs: number | undefined;
  #failures = 0;
  #failure: { readonly error: MillraceError; readonly unreadable: UnreadablePlace | undefined } | undefined;
  #told: string | undefined;
  #telling: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;

  constructor({ topic, partition }: TopicPartition, listener: FetchListener, owner: CursorOwner) {
    this.topic = topic;
    this.partition = partition;
    this.listener = listener;
    this.#owner = owner;
  }

  get answeredMs(): number | undefined {
    return this.#located?.place.answeredMs(this) ?? this.#answeredMs;
  }

  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  get isNearer(): boolean {
    return this.#located?.isNearer === true;
  }

  /** How much of it the listener has room for, in bytes; where that is 0, it has paused this. */
  room(): number {
    const room = this.listener.room?.() ?? Infinity;
    if (room <= 0) this.isBehind = true;
    return room;
  }

  seek(offset: bigint, lastEpoch = -1): void {
    this.#leave();
    this.version += 1;
    this.offset = offset;
    this.lastEpoch = lastEpoch;
    // Whoever seeks may not know any more.
    if (this.#told !== undefined) this.#told = '';
    // What was the matter there need not be so here.
    this.#retry();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#leave();
  }

  resume(): void {
    this.#isPaused = false;
    this.#go();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    clearTimeout(this.#telling);
    clearTimeout(this.#retrying);
    this.#owner.closed(this);
  }

  /** What is under way where it was goes on if it is there still. */
  located(located: LocatedPartition): void {
    const { place, topicId, leaderEpoch } = located;
    this.#isSought = false;
    if (this.#located?.place !== place || this.topicId !== topicId || this.leaderEpoch !== leaderEpoch) {
      this.#leave();
      this.version += 1;
      this.topicId = topicId;
      this.leaderEpoch = leaderEpoch;
    }
    this.#located = located;
    this.#go();
  }

  /** Its place is looked for again, at once. */
  relocate(): void {
    this.#leave();
    this.version += 1;
    this.#located = undefined;
    this.#go();
  }

  /** A fetch was answered with nothing. */
  nothing(nowMs: number): void {
    this.#answeredMs = nowMs;
    this.isBehind = false;
  }

  /** A fetch was answered, and there is nothing wrong. */
  sound(): void {
    this.#failures = 0;
    this.#failure = undefined;
    clearTimeout(this.#telling);
    this.#telling = undefined;
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#tell((listener) => listener.trouble(undefined));
  }

  /** Its broker does not answer at present: told when it lasts, and its place is looked for meanwhile. */
  doubt(error: MillraceError): void {
    if (this.#isClosed) return;
    this.#failure = { error, unreadable: undefined };
    this.#tellLater();
    if (this.#isSought) return;
    this.#isSought = true;
    this.#owner.find(this);
  }

  failed(error: MillraceError, timing: FailureTiming = {}): void {
    if (this.#isClosed) return;
    this.#leave();
    this.version += 1;
    this.#isSought = false;
    this.#located = undefined;
    this.nearer = undefined;
    this.#failure = { error, unreadable: timing.unreadable };
    const pauseMs = timing.retryMs ?? Math.min(retryMs.most, retryMs.first * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(() => this.#retry(), pauseMs).unref();
    if (timing.atOnce === true) this.#tellFailure();
    else this.#tellLater();
  }

  /** Nothing is fetched until it is said from where. */
  outOfRange(divergedAt?: bigint): void {
    this.#leave();
    this.version += 1;
    this.offset = undefined;
    this.#tell((listener) => listener.outOfRange(divergedAt));
  }

  #retry(): void {
    clearTimeout(this.#retrying);
    this.#retrying = undefined;
    this.#go();
  }

  #go(): void {
    if (this.#isPaused || this.#isClosed || this.offset === undefined) return;
    if (this.#retrying !== undefined) return;
    if (this.#located !== undefined) this.#located.place.want(this);
    else if (!this.#isSought) {
      this.#isSought = true;
      this.#owner.find(this);
    }
  }

  #leave(): void {
    this.#answeredMs = this.answeredMs;
    this.#located?.place.unwant(this);
  }

  #tellLater(): void {
    if (this.#told !== undefined) this.#tellFailure();
    else this.#telling ??= setTimeout(() => this.#tellFailure(), passingMs).unref();
  }

  #tellFailure(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    if (this.#failure === undefined) return;
    const { error, unreadable } = this.#failure;
    if (error.message === this.#told) return;
    this.#told = error.message;
    this.#tell((listener) => listener.trouble(error, unreadable));
  }

  /** What a listener does wrong is its own trouble. */
  #tell(what: (listener: FetchListener) => void): void {
    if (this.#isClosed) return;
    try {
      what(this.listener);
    } catch (error) {
      this.failed(listenerFailed(this, error));
    }
  }
}

/** A listener has thrown. */
export function listenerFailed({ topic, partition }: TopicPartition, cause: unknown): MillraceError {
  const message = `What was fetched of ${topic}-${partition} could not be taken over`;
  return new MillraceError('MILLRACE_KAFKA_FAILED', message, { cause });
}

/** What is asked for next. Of a cursor that is at a broker. */
export function positionOf(cursor: PartitionCursor): FetchPosition {
  const { topic, topicId, partition, offset = 0n, leaderEpoch, lastEpoch } = cursor;
  return { topic, topicId, partition, offset, leaderEpoch, lastEpoch };
}
