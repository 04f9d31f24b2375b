// `millrace validate`: reports every mistake in manifests at once.
import { formatProblem } from '../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import { readManifests } from '../../core/resources/manifests/manifest-files.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import type { CommandIo } from '../command-io.ts';

/** All `paths` are one installation, so manifests may refer to each other across files. Exit code 1 if there is a mistake. */
export async function runValidateCommand(paths: readonly string[], io: CommandIo): Promise<number> {
  const manifests = (await Promise.all(paths.map(readManifests))).flat();
  const { subscriptions, problems } = parseManifests(manifests, checkExpression);
  for (const problem of problems) io.stderr.write(`${formatProblem(problem)}\n`);
  if (problems.length > 0) {
    io.stderr.write(`${count(problems.length, 'mistake')} in ${count(manifests.length, 'file')}\n`);
    return 1;
  }
  for (const {
    key,
    source,
    function: { target },
  } of subscriptions) {
    const from = source.topics.length > 0 ? source.topics.join(', ') : source.topicPattern;
    io.stdout.write(`${key}: ${from} → ${target.kind === 'uri' ? target.uri : target.name}\n`);
  }
  io.stdout.write(
    `${count(subscriptions.length, 'trigger')} in ${count(manifests.length, 'file')}, no mistake\n`,
  );
  return 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
