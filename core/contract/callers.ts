// Who comes to a port of ours, and what they may do there: the port to whoever knows, the API server or an identity provider.

/**
 * What a route asks of its caller. `scrape`: metrics. `view`: triggers, their state and where their records are, no payload.
 * `operate`: to change what becomes of records, and to see payloads. `activate`: to tell a scaler that records wait.
 */
export type Right = 'scrape' | 'view' | 'operate' | 'activate';

/** Of one request. Whatever lasts longer, such as a stream of events, has its token recognized again. */
export interface Caller {
  /** As the audit log names them, such as `system:serviceaccount:monitoring:prometheus`; never a token, or a part of one. */
  readonly name: string;
  /**
   * Whether they have the right in a namespace; undefined: in all of them, and for `scrape` and `activate`, which are of the installation.
   * Rejects with MILLRACE_ACCESS_UNKNOWN where that cannot be told now.
   */
  may(right: Right, namespace: string | undefined): Promise<boolean>;
}

export type Recognition =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** The token is of the kind that is known here, and does not hold: why, fit to be told to whoever showed it. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The token is none of those that are known here: another recognizer may know it. */
  | { readonly kind: 'unknown' };

/** Tells who shows a bearer token. Keeps no token, only digests of some, for seconds. */
export interface Recognizer {
  /**
   * Takes any text, however hostile. Rejects with MILLRACE_ACCESS_UNKNOWN where who knows does not answer, with a cause that is for the log and
   * not for the caller; never with anything of the token.
   */
  recognize(token: string): Promise<Recognition>;
  close(): Promise<void>;
}
