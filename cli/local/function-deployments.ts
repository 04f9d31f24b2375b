// The Deployments that triggers name as their functions, in files of manifests: whether they are there, and what they lack. Pure.
import type { Problem } from '../../core/contract/manifest-problem.ts';
import { valueAt } from '../../core/contract/path.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { openManifest, type Manifest } from '../../core/resources/manifests/open-manifest.ts';
import { parseYaml, type ManifestFile } from '../../core/resources/manifests/yaml-documents.ts';
import { defaultNamespace } from '../../core/resources/schema/fields.ts';

interface Declared {
  readonly name: unknown;
  readonly namespace: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * A warning for each trigger whose Deployment is only declared in other namespaces. `kubectl apply --namespace` may still put it into the
 * right one, so it is no mistake.
 */
export function findStrayDeployments(
  files: readonly ManifestFile[],
  subscriptions: readonly Subscription[],
): Problem[] {
  const declared = declaredIn(files);
  return subscriptions.flatMap((subscription) => {
    const stray = strayFor(subscription, declared);
    if (stray === undefined) return [];
    const { key, namespace } = subscription;
    const { name, file, line, column } = stray;
    const message = `is ${stray.namespace}, but the trigger ${key} looks for the Deployment ${String(name)} in ${namespace}`;
    const remedy = `Write \`namespace: ${namespace}\`.`;
    const path = 'metadata.namespace';
    return [{ code: 'MILLRACE_MANIFEST_INVALID', path, message, remedy, file, line, column } as const];
  });
}

/** Why nothing is known here that starts the function of a trigger, and what to do. */
export function whyNoCommand(files: readonly ManifestFile[], subscription: Subscription): string {
  const { namespace, function: settings } = subscription;
  const { target } = settings;
  if (target.kind === 'service')
    return `its function is the Service ${target.name}, which exists only in a cluster: write the annotation millrace.dev/dev-command on the Trigger`;
  if (target.kind !== 'ref') return 'its function is not one that is started here';
  const name = `${target.resource} ${namespace}/${target.name}`;
  const declared = declaredIn(files);
  const stray = strayFor(subscription, declared);
  if (stray !== undefined)
    return `no manifest declares the ${name}: the one in ${stray.file}:${stray.line} is in the namespace ${stray.namespace}; write \`namespace: ${namespace}\` there`;
  if (!declared.some((one) => one.name === target.name && one.namespace === namespace))
    return `no manifest declares the ${name}: add it with the annotation millrace.dev/dev-command, or write that annotation on the Trigger`;
  return `its ${name} has no annotation millrace.dev/dev-command`;
}

/** The Deployment of that name, if it is declared in other namespaces only. */
function strayFor({ namespace, function: { target } }: Subscription, declared: readonly Declared[]) {
  if (target.kind !== 'ref' || target.resource !== 'Deployment') return undefined;
  const same = declared.filter(({ name }) => name === target.name);
  return same.some((one) => one.namespace === namespace) ? undefined : same[0];
}

function declaredIn(files: readonly ManifestFile[]): Declared[] {
  return files
    .flatMap((file) => parseYaml(file).documents)
    .flatMap(openManifest)
    .filter(({ kind }) => kind === 'deployment')
    .map(declaredBy);
}

function declaredBy({ value, base, document }: Manifest): Declared {
  const namespace = valueAt(value, ['metadata', 'namespace']);
  return {
    name: valueAt(value, ['metadata', 'name']),
    namespace: typeof namespace === 'string' ? namespace : defaultNamespace,
    file: document.file,
    ...document.locate([...base, 'metadata', 'namespace'], 'value'),
  };
}
