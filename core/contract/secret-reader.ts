// The port to Secrets: those of Kubernetes, or manifests of Secrets beside those of the triggers.
import type { ServiceAccountToken } from './kafka-access.ts';

/** Values that it returns must not be logged or reported, nor kept longer than connections need them. */
export interface SecretReader {
  /**
   * The current values of a Secret by key; undefined if the Secret does not exist. Rejects if it cannot be read, with
   * MILLRACE_KUBERNETES_FORBIDDEN if the right to read it is missing.
   */
  read(namespace: string, name: string): Promise<ReadonlyMap<string, Buffer> | undefined>;
  /**
   * A JWT for a ServiceAccount of `namespace` that is valid for at least some ten minutes, and is not `refused`. Rejects with
   * MILLRACE_CREDENTIALS_UNUSABLE if none can be made here.
   */
  serviceAccountToken(namespace: string, token: ServiceAccountToken, refused?: string): Promise<string>;
}
