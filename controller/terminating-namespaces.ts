// Which namespaces are being deleted. In such a one everything goes, so nothing is waited for. Asked only for triggers that are being deleted.
import { namespaceKind } from '../core/resources/kinds.ts';
import type { KubernetesClient } from '../core/contract/kubernetes-client.ts';
import { valueAt } from '../core/contract/path.ts';

export interface TerminatingNamespaces {
  /** False if it cannot be known, such as without the right to read namespaces. */
  isTerminating(namespace: string): Promise<boolean>;
}

/** How long an answer counts, in ms: many triggers of one namespace are deleted at once. */
const validMs = 3_000;

export function createTerminatingNamespaces(client: Pick<KubernetesClient, 'get'>): TerminatingNamespaces {
  const answers = new Map<string, { readonly atMs: number; readonly answer: Promise<boolean> }>();

  async function ask(namespace: string): Promise<boolean> {
    const found = await client.get(namespaceKind, '', namespace).catch(() => undefined);
    return valueAt(found, ['status', 'phase']) === 'Terminating';
  }

  return {
    isTerminating(namespace) {
      const nowMs = performance.now();
      for (const [key, { atMs }] of answers) if (nowMs - atMs >= validMs) answers.delete(key);
      const known = answers.get(namespace) ?? { atMs: nowMs, answer: ask(namespace) };
      answers.set(namespace, known);
      return known.answer;
    },
  };
}
