// The TriggerAuthentication of each namespace, and its ConfigMap, by which KEDA trusts the scaler. They are there while a trigger of the
// namespace needs them. They are neither watched nor read at each reconcile: a cluster has too many ConfigMaps, and almost none is ours.
import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../../core/contract/errors.ts';
import { configMapKind, triggerAuthenticationKind } from '../../core/resources/kinds.ts';
import type { KubernetesClient, Resource, ResourceKind } from '../../core/contract/kubernetes-client.ts';
import { isManaged } from '../ownership.ts';
import { isUpToDate } from '../plan/drift.ts';
import type { AuthenticationState, ScalerAddress } from '../plan/observed-state.ts';
import { scalerAuthentication } from '../plan/scaler-authentication.ts';
import { applyResource, isRefusal } from './apply-resource.ts';
import { deleteResource } from './delete-resource.ts';

export interface ScalerAuthentications {
  /** Makes them, or makes them what they must be. Rejects if a request fails otherwise than by a refusal. */
  ensure(trigger: TriggerPlace, scaler: ScalerAddress): Promise<AuthenticationState | undefined>;
  /** The trigger may need them, so they stay if they are there. */
  keep(trigger: TriggerPlace): void;
  /** The trigger does not need them. If no other of its namespace does, they are removed. */
  release(trigger: TriggerPlace, scaler: ScalerAddress | undefined): Promise<void>;
  /** The trigger is gone. */
  forget(trigger: TriggerPlace): void;
}

export interface TriggerPlace {
  readonly namespace: string;
  readonly name: string;
}

export interface ScalerAuthenticationsOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'apply' | 'replace' | 'remove'>;
  /** Whether a ScaledObject of another trigger in the namespace names them. It knows what an earlier leader has made. */
  readonly isNamedByOthers: (trigger: TriggerPlace, authentication: string) => boolean;
  /** Throws if this process is no longer the leader. */
  readonly assertLeading: () => void;
  /** Milliseconds, by a clock that never goes back. */
  readonly now: () => number;
}

/** How long a state is believed without asking, in ms. */
const believedMs = { ready: 300_000, foreign: 5_000, refused: 0 };

interface Namespace {
  /** Names of the triggers that are there, and whether each needs the authentication. */
  readonly triggers: Map<string, boolean>;
  made: { readonly revision: string; readonly state: AuthenticationState; readonly atMs: number } | undefined;
  /** Nothing of ours is left in the namespace. */
  isGone: boolean;
  /** One at a time makes and removes. */
  last: Promise<unknown>;
}

export function createScalerAuthentications(options: ScalerAuthenticationsOptions): ScalerAuthentications {
  return new NamespaceAuthentications(options);
}

class NamespaceAuthentications implements ScalerAuthentications {
  readonly #options: ScalerAuthenticationsOptions;
  readonly #namespaces = new Map<string, Namespace>();

  constructor(options: ScalerAuthenticationsOptions) {
    this.#options = options;
  }

  async ensure(trigger: TriggerPlace, scaler: ScalerAddress): Promise<AuthenticationState | undefined> {
    const namespace = this.#note(trigger, true);
    const revision = JSON.stringify([scaler.namespaceAuthentication, scaler.ca]);
    return this.#inTurn(namespace, async () => {
      const { made } = namespace;
      const ageMs = this.#options.now() - (made?.atMs ?? 0);
      if (made?.revision === revision && ageMs < believedMs[made.state.kind]) return made.state;
      namespace.isGone = false;
      namespace.made = undefined;
      const state = await this.#make(trigger.namespace, scaler);
      if (state !== undefined) namespace.made = { revision, state, atMs: this.#options.now() };
      return state;
    });
  }

  keep(trigger: TriggerPlace): void {
    this.#note(trigger, true);
  }

  async release(trigger: TriggerPlace, scaler: ScalerAddress | undefined): Promise<void> {
    const namespace = this.#note(trigger, false);
    const name = scaler?.namespaceAuthentication;
    if (name === undefined) return;
    await this.#inTurn(namespace, async () => {
      const isNeeded = [...namespace.triggers.values()].includes(true);
      if (namespace.isGone || isNeeded || this.#options.isNamedByOthers(trigger, name)) return;
      namespace.made = undefined;
      await this.#remove(triggerAuthenticationKind, trigger.namespace, name);
      await this.#remove(configMapKind, trigger.namespace, name);
      namespace.isGone = true;
    });
  }

  forget({ namespace: key, name }: TriggerPlace): void {
    const namespace = this.#namespaces.get(key);
    namespace?.triggers.delete(name);
    if (namespace?.triggers.size === 0) this.#namespaces.delete(key);
  }

  #note({ namespace: key, name }: TriggerPlace, isNeeded: boolean): Namespace {
    let namespace = this.#namespaces.get(key);
    if (namespace === undefined) {
      namespace = { triggers: new Map(), made: undefined, isGone: false, last: Promise.resolve() };
      this.#namespaces.set(key, namespace);
    }
    namespace.triggers.set(name, isNeeded);
    return namespace;
  }

  #inTurn<T>(namespace: Namespace, work: () => Promise<T>): Promise<T> {
    const done = namespace.last.then(work);
    namespace.last = done.catch(() => undefined);
    return done;
  }

  async #make(namespace: string, scaler: ScalerAddress): Promise<AuthenticationState | undefined> {
    const desired = scalerAuthentication(namespace, scaler);
    if (desired === undefined) return undefined;
    const failure =
      (await this.#apply(configMapKind, desired.configMap)) ??
      (await this.#apply(triggerAuthenticationKind, desired.triggerAuthentication));
    return failure ?? { kind: 'ready' };
  }

  /** Returns why it is not as it must be. It is read first: an apply would add our part to one of somebody else. */
  async #apply(
    kind: typeof configMapKind | typeof triggerAuthenticationKind,
    desired: Resource,
  ): Promise<Exclude<AuthenticationState, { kind: 'ready' }> | undefined> {
    const { client, assertLeading } = this.#options;
    const { namespace = '', name } = desired.metadata;
    let found: Resource | undefined;
    try {
      found = await client.get(kind, namespace, name);
      if (found !== undefined && !isManaged(found))
        return serves(found, desired) ? undefined : { kind: 'foreign', resource: kind.kind };
      if (found !== undefined && isUpToDate(found, desired)) return undefined;
      assertLeading();
      await applyResource(client, found, desired);
      return undefined;
    } catch (error) {
      if (!isRefusal(error, found)) throw error;
      assertLeading();
      return { kind: 'refused', resource: kind.kind, message: describeError(error) };
    }
  }

  async #remove(kind: ResourceKind, namespace: string, name: string): Promise<void> {
    const { client, assertLeading } = this.#options;
    const found = await client.get(kind, namespace, name);
    if (found === undefined || !isManaged(found)) return;
    assertLeading();
    await deleteResource(client, found);
  }
}

/** Whether a resource of somebody else has the same content. In its own namespace, the chart has made such a ConfigMap. */
function serves(found: Resource, desired: Resource): boolean {
  return isDeepStrictEqual([found.data, found.spec], [desired.data, desired.spec]);
}
