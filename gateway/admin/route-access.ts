// Who may call which route of the gateway. `core/access` asks the API server, or the settings, whether a caller has the right.
import type { Access } from '../../core/access/authorize.ts';

export const routeAccess = {
  /** `GET /healthz` */
  health: 'anybody',
  /** `GET /readyz`: anyone sees the status; callers see the triggers of namespaces that they may view. */
  readiness: 'anybody',
  /** `GET /v1/triggers`: callers see the triggers of namespaces that they may view. */
  triggers: 'caller',
  /** `GET /v1/triggers/:namespace/:name/blocked` */
  blocked: 'view',
  /** `POST /v1/triggers/:namespace/:name/skip` */
  skip: 'operate',
} as const satisfies Record<string, Access>;
