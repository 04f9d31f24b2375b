// By which protocol a member joins its group. A group has one protocol at a time, and brokers move a group from one to the other while
// members are in it as far as they can: `auto` goes with them.
//
//   the brokers lack the consumer protocol                      classic
//   nobody is in the group, or it has the consumer protocol     consumer
//   members of the classic protocol are in it                   consumer where the brokers can move the group with them in it; else
//                                                               classic, as they are: a rollout from an older release stops nothing
import type { GroupProtocol } from '../../contract/kafka-access.ts';
import type { PartitionProgress } from '../../contract/record-source.ts';
import { createClassicMembership } from './classic-membership.ts';
import { hasConsumerProtocol, readFeatures } from './broker-features.ts';
import { createConsumerMembership } from './consumer-membership.ts';
import type { CreateMembership, Membership, MembershipOptions, MemberIdentity } from './membership.ts';

/** Why a member joins by the classic protocol although the consumer protocol was tried. */
export type OnFallback = (groupId: string, reason: Error) => void;

/** `onFallback` must not throw. */
export function chooseMembership(protocol: GroupProtocol, onFallback: OnFallback): CreateMembership {
  switch (protocol) {
    case 'classic':
      return createClassicMembership;
    case 'consumer':
      return createConsumerMembership;
    case 'auto':
      return (options) => new AutoMembership(options, onFallback);
  }
}

/** Brokers have this long to say what they can do, in ms. */
const featuresMs = 10_000;
/** How a broker refuses a member by the consumer protocol: the group is a classic one and stays so, or the protocol is off. */
const refusals: readonly unknown[] = ['GROUP_ID_NOT_FOUND', 'UNSUPPORTED_VERSION'];

class AutoMembership implements Membership {
  readonly crashed: Promise<never>;
  readonly #options: MembershipOptions;
  readonly #onFallback: OnFallback;
  readonly #sinceMs = performance.now();
  readonly #crash = Promise.withResolvers<never>();
  readonly #over = Promise.withResolvers<never>();
  #member: Membership | undefined;
  #isOver = false;

  constructor(options: MembershipOptions, onFallback: OnFallback) {
    this.#options = options;
    this.#onFallback = onFallback;
    this.crashed = this.#crash.promise;
    // Nobody may be listening yet, or any more.
    this.crashed.catch(() => undefined);
    this.#over.promise.catch(() => undefined);
  }

  get leaseEndMs(): number {
    return this.#member?.leaseEndMs ?? Number.NEGATIVE_INFINITY;
  }

  get joiningSinceMs(): number | undefined {
    return this.#member === undefined ? this.#sinceMs : this.#member.joiningSinceMs;
  }

  get identity(): MemberIdentity | undefined {
    return this.#member === undefined ? this.#options.identity : this.#member.identity;
  }

  partitionCount(topic: string): number | undefined {
    return this.#member?.partitionCount(topic);
  }

  async start(topics: readonly string[]): Promise<void> {
    try {
      await Promise.race([this.#join(topics), this.#over.promise]);
    } catch (error) {
      this.#crash.reject(error);
      throw error;
    }
  }

  async commit(offsets: readonly PartitionProgress[]): Promise<void> {
    if (this.#member === undefined) throw new Error('not a member of the group at present');
    await this.#member.commit(offsets);
  }

  rejoin(): void {
    this.#member?.rejoin();
  }

  async stop(options: { readonly leave: boolean }): Promise<void> {
    this.#isOver = true;
    this.#over.reject(new Error('this member is not one any more'));
    await this.#member?.stop(options);
  }

  async #join(topics: readonly string[]): Promise<void> {
    const { connections, groupId } = this.#options;
    const features = await readFeatures(connections, performance.now() + featuresMs);
    if (!hasConsumerProtocol(features)) {
      await this.#joinBy(createClassicMembership, topics);
      return;
    }
    try {
      await this.#joinBy(createConsumerMembership, topics);
      return;
    } catch (error) {
      if (this.#isOver || !(error instanceof Error) || !isRefusal(error)) throw error;
      this.#onFallback(groupId, error);
    }
    await this.#joinBy(createClassicMembership, topics);
  }

  async #joinBy(create: CreateMembership, topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    const member = create(this.#options);
    this.#member = member;
    await member.start(topics);
    // A refusal at run time is a crash: whoever comes next chooses anew.
    member.crashed.catch((error: unknown) => this.#crash.reject(error));
  }
}

function isRefusal(error: Error): boolean {
  return 'type' in error && refusals.includes(error.type);
}
