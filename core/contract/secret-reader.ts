// The port to what is secret: Secrets of Kubernetes, or manifests of Secrets beside those of the triggers.
import type { ServiceAccountToken } from './kafka-access.ts';

/** Nothing that is read may be told, logged or kept longer than its connections need it. */
export interface SecretReader {
  /**
   * The values of a Secret by key, as it is now; undefined where it is not there. Rejects where it cannot be told, with
   * MILLRACE_KUBERNETES_FORBIDDEN where the right to read it is lacking.
   */
  read(namespace: string, name: string): Promise<ReadonlyMap<string, Buffer> | undefined>;
  /**
   * A JWT for a ServiceAccount of `namespace`, which holds for some ten minutes at least; another than `refused`. Rejects with
   * MILLRACE_CREDENTIALS_UNUSABLE where none can be made here.
   */
  serviceAccountToken(namespace: string, token: ServiceAccountToken, refused?: string): Promise<string>;
}
