// The program that builds the image from the Containerfile: the first that is there and works.
import { run } from './run.ts';

export interface Engine {
  readonly name: 'Podman' | 'Buildah' | 'Docker';
  /** Builds the Containerfile of this folder. What it prints is shown. */
  build(image: string): Promise<void>;
  /** Writes a file as `docker save` does. */
  save(image: string, path: string): Promise<void>;
  push(image: string): Promise<void>;
}

const context = ['--file', 'Containerfile', '.'];

const engines: readonly (Engine & { readonly works: () => Promise<boolean> })[] = [
  {
    name: 'Podman',
    works: () => succeeds('podman', ['info']),
    build: (image) => shown('podman', ['build', '--tag', image, ...context]),
    save: (image, path) => shown('podman', ['save', '--format', 'docker-archive', '--output', path, image]),
    push: (image) => shown('podman', ['push', image]),
  },
  {
    name: 'Buildah',
    works: () => succeeds('buildah', ['info']),
    build: (image) => shown('buildah', ['build', '--tag', image, ...context]),
    save: (image, path) => shown('buildah', ['push', image, `docker-archive:${path}:${image}`]),
    push: (image) => shown('buildah', ['push', image]),
  },
  {
    // The program may be there without a daemon that answers.
    name: 'Docker',
    works: () => succeeds('docker', ['info']),
    build: (image) => shown('docker', ['build', '--tag', image, ...context]),
    save: (image, path) => shown('docker', ['save', '--output', path, image]),
    push: (image) => shown('docker', ['push', image]),
  },
];

/** Undefined where there is none. */
export async function findEngine(): Promise<Engine | undefined> {
  for (const engine of engines) if (await engine.works()) return engine;
  return undefined;
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return (await run(program, args)).code === 0;
}

async function shown(program: string, args: readonly string[]): Promise<void> {
  const { code } = await run(program, args, { isShown: true });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed`);
}
