// How a process logs in to an API server, whether a pod's ServiceAccount or a kubeconfig says so. Types only.

/** TLS options of Node.js. */
export interface TlsOptions {
  readonly ca?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
  readonly pfx?: unknown;
  readonly passphrase?: unknown;
  readonly rejectUnauthorized?: unknown;
  readonly servername?: unknown;
}

export interface Credentials {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

export interface Login {
  /** Without a slash at the end, such as `https://10.96.0.1:443`. */
  readonly url: string;
  /** Namespace of the pod, or of the context in the kubeconfig. */
  readonly namespace: string | undefined;
  /** An HTTP proxy on the way to the API server. */
  readonly proxyUrl: string | undefined;
  /** What a request needs now: tokens and certificates are renewed. */
  credentials(): Promise<Credentials>;
}
