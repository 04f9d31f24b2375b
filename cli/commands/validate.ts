// `millrace validate`: reports every mistake in manifests at once.
import { formatProblem, type Problem } from '../../core/contract/manifest-problem.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import { readManifests } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { printJson, type CommandIo } from '../command-io.ts';
import { findStrayDeployments } from '../local/function-deployments.ts';

export interface ValidateOptions {
  /** Files and folders. All are one installation, so manifests may refer to each other across files. */
  readonly paths: readonly string[];
  /** Prints one object with everything. */
  readonly json: boolean;
}

interface Report {
  readonly files: number;
  readonly subscriptions: readonly Subscription[];
  readonly problems: readonly Problem[];
  /** What is right, but probably not meant. */
  readonly warnings: readonly Problem[];
}

/** Exit code 1 if there is a mistake. */
export async function runValidateCommand({ paths, json }: ValidateOptions, io: CommandIo): Promise<number> {
  const manifests = (await Promise.all(paths.map(readManifests))).flat();
  const { subscriptions, problems } = parseManifests(manifests, checkExpression);
  const warnings = findStrayDeployments(manifests, subscriptions);
  const report = { files: manifests.length, subscriptions, problems, warnings };
  if (json) printJson(io, jsonOf(report));
  else printReport(report, io);
  return problems.length === 0 ? 0 : 1;
}

function printReport(
  { files, subscriptions, problems, warnings }: Report,
  { stdout, stderr }: CommandIo,
): void {
  for (const problem of problems) stderr.write(`${formatProblem(problem)}\n`);
  for (const warning of warnings) stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (problems.length > 0) {
    stderr.write(`${count(problems.length, 'mistake')} in ${count(files, 'file')}\n`);
    return;
  }
  for (const { key, source, function: target } of subscriptions) {
    const from = source.topics.length > 0 ? source.topics.join(', ') : source.topicPattern;
    stdout.write(`${key}: ${from} → ${nameOf(target)}\n`);
  }
  const found = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
  stdout.write(`${count(subscriptions.length, 'trigger')} in ${count(files, 'file')}, no mistake${found}\n`);
}

/** The triggers without mistakes are there, whatever is wrong with the others. */
function jsonOf({ files, subscriptions, problems, warnings }: Report): object {
  return {
    valid: problems.length === 0,
    files,
    triggers: subscriptions.map(({ key, source, function: target }) => ({
      trigger: key,
      topics: source.topics,
      topicPattern: source.topicPattern,
      function: nameOf(target),
    })),
    mistakes: problems,
    warnings,
  };
}

function nameOf({ target }: Subscription['function']): string {
  return target.kind === 'uri' ? target.uri : target.name;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
