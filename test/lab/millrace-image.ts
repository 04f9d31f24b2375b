// The images of the tests: Millrace as the Containerfile builds it, from the build and the production dependencies, and the function that forwards
// each request to the test.

import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeImage, type Layer } from './image.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const functionSource = fileURLToPath(new URL('function/server.js', import.meta.url));

export const images = {
  millrace: { repository: 'localhost/millrace', tag: 'lab', name: 'localhost/millrace:lab' },
  function: { name: 'localhost/function:lab' },
} as const;

/** Builds `dist/` first, so that the image has the current sources. */
export async function writeMillraceImage(path: string): Promise<void> {
  await run(process.execPath, [join(root, '.build', 'build.js')], { maxBuffer: 10_000_000 });
  const { name } = images.millrace;
  const app: Layer = { '/app/dist': join(root, 'dist'), '/app/package.json': join(root, 'package.json') };
  const layers = [await nodeLayer(), await dependencyLayer(), app];
  const entrypoint = ['/usr/local/bin/node', '/app/dist/cli/main.js'];
  await writeImage({ name, entrypoint, layers, workingDir: '/app' }, path);
}

export async function writeFunctionImage(path: string): Promise<void> {
  const { name } = images.function;
  const layers = [await nodeLayer(), { '/app/server.js': functionSource }];
  await writeImage({ name, entrypoint: ['/usr/local/bin/node', '/app/server.js'], layers }, path);
}

async function nodeLayer(): Promise<Layer> {
  return { '/usr/local/bin/node': await realpath(process.execPath) };
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
