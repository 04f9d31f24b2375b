// Triggers and Secrets from the manifests at a path, which is MILLRACE_TRIGGERS. The log reports mistakes in later edits.
import type { Logger } from 'pino';
import { formatProblem } from '../contract/manifest-problem.ts';
import type { SecretReader } from '../contract/secret-reader.ts';
import type { TriggerSource } from '../contract/trigger-source.ts';
import { checkExpression } from '../expressions/compile-expression.ts';
import { createFileSecrets } from '../resources/manifests/file-secrets.ts';
import { createFileTriggers } from '../resources/manifests/manifest-files.ts';

/** Nothing is read before the first use. Mistakes that are there then reject it with MILLRACE_MANIFEST_INVALID. */
export function openManifests(
  path: string,
  log: Logger,
): { readonly triggers: TriggerSource; readonly secrets: SecretReader } {
  return {
    triggers: createFileTriggers({
      path,
      checkExpression,
      onProblems: (problems) => {
        for (const problem of problems)
          log.error({ problem: formatProblem(problem) }, 'manifest not applied');
      },
    }),
    secrets: createFileSecrets(path),
  };
}
