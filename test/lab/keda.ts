// KEDA in the cluster, installed by its own manifests: operator, metrics server and webhooks, in images that this file builds.

import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '../../.build/image/archive.ts';
import type { LabNode } from './node.ts';
import { moduleDir, releasedModuleDir, toolPath, type Program } from './tools.ts';

type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** By the image in the manifests: the program, its path in the image, and the name of the image built here. */
const parts: readonly { image: string; program: Program; path: string }[] = [
  { image: 'ghcr.io/kedacore/keda', program: 'keda-operator', path: '/keda' },
  { image: 'ghcr.io/kedacore/keda-metrics-apiserver', program: 'keda-adapter', path: '/keda-adapter' },
  {
    image: 'ghcr.io/kedacore/keda-admission-webhooks',
    program: 'keda-webhooks',
    path: '/keda-admission-webhooks',
  },
];

/** The oldest release that Millrace promises to work with. */
export const oldestKeda = 'v2.16.1';

/** The path of one of KEDA's own CRDs, such as `scaledobjects`. */
export async function kedaCrd(plural: string, version?: typeof oldestKeda): Promise<string> {
  const module = 'github.com/kedacore/keda/v2';
  const dir = version === undefined ? await moduleDir(module) : await releasedModuleDir(module, version);
  return join(dir, 'config', 'crd', 'bases', `keda.sh_${plural}.yaml`);
}

export async function loadKedaImages(node: LabNode, dir: string): Promise<void> {
  for (const { program, path } of parts) {
    const archive = join(dir, `${program}.tar`);
    const layers = [{ [path]: await toolPath(program) }];
    await writeImage(
      { name: `localhost/${program}:1`, entrypoint: [path], user: '1000:1000', layers },
      archive,
    );
    await node.load(archive);
  }
}

/** Resolves when the API server serves KEDA's metrics. */
export async function installKeda(kubectl: Kubectl, dir: string): Promise<void> {
  const config = join(dir, 'keda');
  await cp(join(await moduleDir('github.com/kedacore/keda/v2'), 'config'), config, { recursive: true });
  for (const name of ['.', ...(await readdir(config, { recursive: true }))])
    await chmod(join(config, name), 0o755);
  await mkdir(join(config, 'local'));
  const neverPull = [
    { op: 'replace', path: '/spec/template/spec/containers/0/imagePullPolicy', value: 'Never' },
  ];
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['../default'],
    images: parts.map(({ image, program }) => ({
      name: image,
      newName: `localhost/${program}`,
      newTag: '1',
    })),
    patches: [{ target: { kind: 'Deployment' }, patch: JSON.stringify(neverPull) }],
  };
  await writeFile(join(config, 'local', 'kustomization.yaml'), JSON.stringify(kustomization));
  const manifests = await kubectl(['kustomize', join(config, 'local')]);
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifests);
  for (const name of ['keda-operator', 'keda-metrics-apiserver', 'keda-admission']) {
    await kubectl(['-n', 'keda', 'rollout', 'status', `deployment/${name}`, '--timeout=120s']);
  }
  const available = [
    '--for=condition=Available',
    'apiservice/v1beta1.external.metrics.k8s.io',
    '--timeout=60s',
  ];
  await kubectl(['wait', ...available]);
}
