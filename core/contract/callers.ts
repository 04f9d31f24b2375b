// Callers of the HTTP and gRPC ports: how they are authenticated and authorized, by the API server or an identity provider.

/**
 * The right that a route requires of its caller. `scrape`: read metrics. `view`: see triggers, their state and the positions of their
 * records, but no payloads. `operate`: skip records, and see payloads. `activate`: notify a scaler that records wait.
 */
export type Right = 'scrape' | 'view' | 'operate' | 'activate';

/** The caller of one request. A longer call, such as a stream of events, authenticates its token again. */
export interface Caller {
  /** The name for the audit log, such as `system:serviceaccount:monitoring:prometheus`; never a token, or a part of one. */
  readonly name: string;
  /**
   * Whether the caller has the right in a namespace. Undefined means all namespaces; use it for `scrape` and `activate` too, which concern
   * the whole installation. Rejects with MILLRACE_ACCESS_UNKNOWN if this cannot be decided now.
   */
  may(right: Right, namespace: string | undefined): Promise<boolean>;
}

export type Recognition =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** The token is of the kind that this recognizer knows, but not valid. `why` may be sent to the caller. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The token is of another kind. Another recognizer may know it. */
  | { readonly kind: 'unknown' };

/** Authenticates bearer tokens. It stores no token; it may cache digests of tokens for seconds. */
export interface Recognizer {
  /**
   * `token` may be any text, also a hostile one. Rejects with MILLRACE_ACCESS_UNKNOWN if the API server or provider does not answer. The
   * cause is for the log and not for the caller; it never contains any part of the token.
   */
  recognize(token: string): Promise<Recognition>;
  close(): Promise<void>;
}
