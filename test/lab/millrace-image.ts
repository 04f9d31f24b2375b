// The images of the tests: Millrace as `npm run image` makes it without a container engine, and the function that forwards each request to the test.
import { fileURLToPath } from 'node:url';
import { writeImage } from '../../.build/image/archive.ts';
import { nodeLayer, nodePath, writeMillraceImage as writeTo } from '../../.build/image/layers.ts';

const functionSource = fileURLToPath(new URL('function/server.js', import.meta.url));

export const images = {
  millrace: { repository: 'localhost/millrace', tag: 'lab', name: 'localhost/millrace:lab' },
  function: { name: 'localhost/function:lab' },
} as const;

export function writeMillraceImage(path: string): Promise<void> {
  return writeTo(images.millrace.name, path);
}

export async function writeFunctionImage(path: string): Promise<void> {
  const { name } = images.function;
  const layers = [await nodeLayer(), { '/app/server.js': functionSource }];
  await writeImage({ name, entrypoint: [nodePath, '/app/server.js'], layers }, path);
}
