// The options that the processes of a cluster share, as the variables that they go before.

export interface ProcessOptions {
  readonly triggers?: string;
  readonly kubernetes: boolean;
  readonly kubeconfig?: string;
  /** Prints where it listens as a JSON object. */
  readonly json: boolean;
}

export function settingsIn({
  triggers,
  kubernetes,
  kubeconfig,
}: Omit<ProcessOptions, 'json'>): NodeJS.ProcessEnv {
  return {
    ...(triggers === undefined ? {} : { MILLRACE_TRIGGERS: triggers }),
    ...(kubernetes || kubeconfig !== undefined ? { MILLRACE_KUBERNETES: 'true' } : {}),
    ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
  };
}
