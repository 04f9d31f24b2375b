// A cluster on this machine that takes images from files: the one that kubectl uses, if it is of kind, k3d or minikube.
import { run } from './run.ts';

export const clusterTypes = ['kind', 'k3d', 'minikube'] as const;

export interface LocalCluster {
  readonly type: (typeof clusterTypes)[number];
  readonly name: string;
}

/** Undefined if kubectl uses another cluster, or none. */
export async function findCluster(): Promise<LocalCluster | undefined> {
  const { code, stdout } = await run('kubectl', ['config', 'current-context']);
  const context = stdout.trim();
  if (code !== 0 || context === '') return undefined;
  const [, type, name] = /^(kind|k3d)-(.+)$/.exec(context) ?? [];
  if (type !== undefined && name !== undefined) return { type: type as 'kind' | 'k3d', name };
  // minikube names the context after its profile, which may have any name.
  const isProfile = (await run('minikube', ['status', '--profile', context])).code === 0;
  return isProfile ? { type: 'minikube', name: context } : undefined;
}

/** `kind:NAME`. */
export function parseCluster(text: string): LocalCluster {
  const [type, name] = text.split(':');
  const known = clusterTypes.find((one) => one === type);
  if (known === undefined || name === undefined || name === '')
    throw new Error(`--load takes ${clusterTypes.map((one) => `${one}:NAME`).join(', ')} or none`);
  return { type: known, name };
}

/** The command that loads the archive at `path` into the cluster. */
export function loadCommand({ type, name }: LocalCluster, path: string): readonly [string, ...string[]] {
  switch (type) {
    case 'kind':
      return ['kind', 'load', 'image-archive', path, '--name', name];
    case 'k3d':
      return ['k3d', 'image', 'import', path, '--cluster', name];
    case 'minikube':
      return ['minikube', 'image', 'load', path, '--profile', name];
  }
}
