// What a Kafka client's own properties say about how a cluster is reached: the text of a `client.properties` file, or the keys of a
// `servicebinding.io/kafka` Secret. Nothing is read here; no mistake shows a value that may be secret.
import type { Credentials } from './kafka-access.ts';
import type { Problem } from './problem.ts';

export type ClientPropertiesVerdict =
  | { readonly kind: 'right'; readonly properties: ClientProperties }
  /** Their `path` is the name of the property, their `line` where it stands in the text. */
  | { readonly kind: 'wrong'; readonly mistakes: readonly Problem[] };

export interface ClientProperties {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string | undefined;
  /** Paths of the files that the credentials stand in, as they are written, each once. */
  readonly files: readonly string[];
  /** `texts` has what stands in `files`, by path; one that cannot be read is left out, and is a mistake. */
  credentials(texts: ReadonlyMap<string, string>): CredentialsVerdict;
}

export type CredentialsVerdict =
  | { readonly kind: 'right'; readonly credentials: Credentials }
  | { readonly kind: 'wrong'; readonly mistakes: readonly Problem[] };

/** `text` as a Java client reads it (java.util.Properties). */
export function parseClientProperties(text: string): ClientPropertiesVerdict {
  throw new Error(text);
}

/** `values` as they stand, decoded, in a Secret of the type `servicebinding.io/kafka` (https://servicebinding.io/spec/core/1.1.0/). */
export function parseServiceBinding(values: Readonly<Record<string, string>>): ClientPropertiesVerdict {
  throw new Error(Object.keys(values).join());
}
