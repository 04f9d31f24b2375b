// Checks the answer of `npm audit --json`: an advisory for a production package fails, unless an exception allows it until a certain day.

import { type AllowedAdvisory } from './exceptions.ts';
import { type Lock } from './lock.ts';

export interface Advisory {
  readonly id: string;
  readonly package: string;
  readonly severity: string;
  readonly title: string;
  readonly isProduction: boolean;
}

/** Every other severity fails: moderate, high, critical, and any that npm may add. */
const mildSeverities = ['info', 'low'];

export type AuditAnswer =
  | { readonly kind: 'report'; readonly advisories: readonly Advisory[] }
  /** There are no advisories: the machine is offline, or the mirror has none. */
  | { readonly kind: 'none'; readonly reason: string };

/** The report of npm (version 2), as far as this reads it. */
interface Report {
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

interface Vulnerability {
  /** The advisory itself, or the name of a dependency that has one. */
  readonly via: readonly (string | Via)[];
  /** Paths of the lock file. */
  readonly nodes: readonly string[];
}

interface Via {
  readonly name: string;
  readonly url: string;
  readonly title: string;
  readonly severity: string;
}

export function parseAudit(output: string, lock: Lock): AuditAnswer {
  const report = parseJson(output);
  if (report?.vulnerabilities === undefined) {
    const reason = [report?.message, report?.error?.summary].find(Boolean) ?? 'npm audit wrote no report';
    return { kind: 'none', reason: reason.replace(/\n.*/s, '') };
  }
  const advisories = Object.values(report.vulnerabilities).flatMap(({ via, nodes }) => {
    const isProduction = nodes.some((path) => lock[path]?.dev !== true);
    return via
      .filter((one) => typeof one !== 'string')
      .map(({ name, url, title, severity }) => {
        return { id: url.replace(/^.*\//, ''), package: name, severity, title, isProduction };
      });
  });
  return { kind: 'report', advisories };
}

function parseJson(output: string): Report | undefined {
  try {
    return JSON.parse(output) as Report;
  } catch {
    return undefined;
  }
}

/**
 * @param today `2026-11-24`
 * @returns problems, which fail the check, and remarks, which are only printed
 */
export function checkAudit(
  answer: AuditAnswer,
  allowed: readonly AllowedAdvisory[],
  today: string,
): { problems: string[]; remarks: string[] } {
  const problems = allowed.flatMap((one) => checkAllowed(one, today));
  if (answer.kind === 'none') return { problems, remarks: [`advisories were not checked: ${answer.reason}`] };
  const remarks: string[] = [];
  const allowedIds = new Set(allowed.map(({ id }) => id));
  for (const advisory of answer.advisories) {
    if (allowedIds.has(advisory.id)) continue;
    (fails(advisory) ? problems : remarks).push(describe(advisory));
  }
  const found = new Set(answer.advisories.map(({ id }) => id));
  for (const id of allowedIds) if (!found.has(id)) problems.push(`${id}: an unused exception in advisories`);
  return { problems, remarks };
}

function checkAllowed({ id, reason, until }: AllowedAdvisory, today: string): string[] {
  if (reason.trim() === '') return [`${id}: the exception has no reason`];
  if (!/^\d{4}-\d\d-\d\d$/.test(until))
    return [`${id}: the exception ends on ${until}, which is not a date such as 2027-01-31`];
  return until < today ? [`${id}: the exception has ended on ${until}`] : [];
}

function fails({ isProduction, severity }: Advisory): boolean {
  return isProduction && !mildSeverities.includes(severity);
}

function describe({ id, package: name, severity, title, isProduction }: Advisory): string {
  return `${name}: ${id}, ${severity}, in ${isProduction ? 'production' : 'development'}: ${title}`;
}
