// The layers of Millrace's image without a container engine: Node, the packages of production, and the build of this checkout, in the places where
// the Containerfile puts them.
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeImage, type Layer } from './archive.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const nodePath = '/usr/local/bin/node';

/** Builds `dist/` first, so that the image has the current sources. `name` is `REPOSITORY:TAG`. */
export async function writeMillraceImage(name: string, path: string): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, '.build', 'build.js')], { maxBuffer: 10_000_000 });
  const files = ['dist', 'package.json', 'LICENSE'].map((file) => [`/app/${file}`, join(root, file)]);
  const layers = [await nodeLayer(), await dependencyLayer(), Object.fromEntries(files) as Layer];
  const entrypoint = [nodePath, '--max-semi-space-size=32', '/app/dist/cli/main.js'];
  await writeImage({ name, entrypoint, command: ['--help'], layers, workingDir: '/app' }, path);
}

/** The Node that runs this, with its libraries. */
export async function nodeLayer(): Promise<Layer> {
  return { [nodePath]: await realpath(process.execPath) };
}

/** The packages that `npm ci --omit=dev` would install. */
async function dependencyLayer(): Promise<Layer> {
  const lock = JSON.parse(await readFile(join(root, 'node_modules', '.package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>;
  };
  // A link does not say whether it is for development. The folder of the project that it leads to does.
  const needed = Object.entries(lock.packages).filter(
    ([, entry]) => entry.dev !== true && entry.devOptional !== true && entry.link !== true,
  );
  return Object.fromEntries(needed.map(([path]) => [`/app/${path}`, join(root, path)]));
}
