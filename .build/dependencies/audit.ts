// Judges what `npm audit --json` answers: an advisory for what runs in production fails, unless it is let pass until a day.

import { type AllowedAdvisory } from './exceptions.ts';
import { type Lock } from './lock.ts';

export interface Advisory {
  readonly id: string;
  readonly package: string;
  readonly severity: string;
  readonly title: string;
  readonly isProduction: boolean;
}

/** Anything else fails: moderate, high, critical, and what npm may call worse one day. */
const mildSeverities = ['info', 'low'];

export type AuditAnswer =
  | { readonly kind: 'report'; readonly advisories: readonly Advisory[] }
  /** No advisories could be had: offline, or a mirror that has none. */
  | { readonly kind: 'none'; readonly reason: string };

/** What npm writes (audit report version 2), of which only this is looked at. */
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
 * @returns problems fail; remarks are told
 */
export function judgeAudit(
  answer: AuditAnswer,
  allowed: readonly AllowedAdvisory[],
  today: string,
): { problems: string[]; remarks: string[] } {
  const problems = allowed.flatMap((one) => judgeAllowed(one, today));
  if (answer.kind === 'none')
    return { problems, remarks: [`advisories were not looked up: ${answer.reason}`] };
  const remarks: string[] = [];
  const allowedIds = new Set(allowed.map(({ id }) => id));
  for (const advisory of answer.advisories) {
    if (allowedIds.has(advisory.id)) continue;
    (fails(advisory) ? problems : remarks).push(describe(advisory));
  }
  const found = new Set(answer.advisories.map(({ id }) => id));
  for (const id of allowedIds)
    if (!found.has(id)) problems.push(`${id}: an exception that nothing needs any more, in advisories`);
  return { problems, remarks };
}

function judgeAllowed({ id, reason, until }: AllowedAdvisory, today: string): string[] {
  if (reason.trim() === '') return [`${id}: let pass without a reason`];
  if (!/^\d{4}-\d\d-\d\d$/.test(until))
    return [`${id}: let pass until ${until}, which is no day like 2027-01-31`];
  return until < today ? [`${id}: was let pass until ${until}, which is over`] : [];
}

function fails({ isProduction, severity }: Advisory): boolean {
  return isProduction && !mildSeverities.includes(severity);
}

function describe({ id, package: name, severity, title, isProduction }: Advisory): string {
  return `${name}: ${id}, ${severity}, in ${isProduction ? 'production' : 'development'}: ${title}`;
}
