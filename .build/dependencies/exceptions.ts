// The form of exceptions.json: what dependencies may have, and the exceptions, each with its reason.

export interface Exceptions {
  readonly licences: {
    /** SPDX identifiers. Production packages may have only these. */
    readonly production: readonly string[];
    /** Development packages may also have these. */
    readonly development: readonly string[];
    /** `name@version` of a package that declares no licence, and the licence that it really has. */
    readonly undeclared: readonly {
      readonly package: string;
      readonly licence: string;
      readonly reason: string;
    }[];
  };
  /** `name@version` of packages without a hash in the lock file. */
  readonly withoutIntegrity: readonly { readonly packages: readonly string[]; readonly reason: string }[];
  readonly advisories: readonly AllowedAdvisory[];
}

export interface AllowedAdvisory {
  /** `GHSA-…` */
  readonly id: string;
  readonly reason: string;
  /** The last day of the exception: `2027-01-31`. */
  readonly until: string;
}
