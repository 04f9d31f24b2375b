// What is allowed of the dependencies, and what is let pass though it is not, each with its reason: exceptions.json.

export interface Exceptions {
  readonly licences: {
    /** SPDX identifiers. What runs in production may have these alone. */
    readonly production: readonly string[];
    /** What builds and tests may have these besides. */
    readonly development: readonly string[];
    /** `name@version` of a package that declares no licence. */
    readonly undeclared: readonly {
      readonly package: string;
      readonly licence: string;
      readonly reason: string;
    }[];
  };
  /** `name@version` of packages that the lock file names without a hash. */
  readonly withoutIntegrity: readonly { readonly packages: readonly string[]; readonly reason: string }[];
  readonly advisories: readonly AllowedAdvisory[];
}

export interface AllowedAdvisory {
  /** `GHSA-…` */
  readonly id: string;
  readonly reason: string;
  /** The last day on which it is let pass: `2027-01-31`. */
  readonly until: string;
}
