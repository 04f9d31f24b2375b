// Container images without a container engine: layers of files, written in the archive format of `docker save`.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeTar, type TarEntry } from './tar.ts';

const run = promisify(execFile);

/** Files and whole folders: path in the image → path on this machine. */
export type Layer = Readonly<Record<string, string>>;

export type Image = {
  /** `localhost/NAME:TAG`. */
  name: string;
  entrypoint: readonly string[];
  /** Its arguments where none are given. */
  command?: readonly string[];
  layers: readonly Layer[];
  workingDir?: string;
  /** A number, so that the kubelet can verify that it is not root. */
  user?: string;
};

/** Adds the libraries of dynamically linked programs. */
export async function writeImage(image: Image, path: string): Promise<void> {
  const layers = [];
  for (const layer of image.layers) layers.push(await layerArchive(layer));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {
        Entrypoint: image.entrypoint,
        Cmd: image.command ?? [],
        Env: [
          'PATH=/usr/local/bin:/usr/bin:/bin',
          'NODE_ENV=production',
          'MALLOC_TRIM_THRESHOLD_=131072',
          'MALLOC_ARENA_MAX=2',
        ],
        WorkingDir: image.workingDir ?? '/',
        User: image.user ?? '65532:65532',
      },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
    }),
  );
  const configName = `${digest(config)}.json`;
  const layerName = (layer: Buffer): string => `${digest(layer)}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: [image.name], Layers: layers.map(layerName) }];
  const file = (name: string, content: Buffer): TarEntry => ({
    kind: 'file',
    path: name,
    mode: 0o644,
    content,
  });
  const files = [
    file(configName, config),
    ...layers.map((layer) => file(layerName(layer), layer)),
    file('manifest.json', Buffer.from(JSON.stringify(manifest))),
  ];
  await writeFile(path, writeTar(files));
}

async function layerArchive(layer: Layer): Promise<Buffer> {
  const entries = new Map<string, TarEntry>();
  for (const [to, from] of Object.entries(layer)) await add(entries, from, to);
  return writeTar(entries.values());
}

async function add(entries: Map<string, TarEntry>, from: string, to: string): Promise<void> {
  const path = to.slice(1);
  if (entries.has(path)) return;
  addFolders(entries, dirname(to));
  const stats = await lstat(from);
  if (stats.isSymbolicLink() && basename(dirname(from)) === '.bin') {
    entries.set(path, { kind: 'link', path, mode: 0o777, target: await readlink(from) });
    return;
  }
  const source = await realpath(from);
  if (stats.isDirectory()) {
    for (const name of (await readdir(source)).toSorted())
      await add(entries, join(source, name), join(to, name));
    addFolders(entries, to);
    return;
  }
  const content = await readFile(source);
  const mode = (await lstat(source)).mode & 0o755;
  entries.set(path, { kind: 'file', path, mode, content });
  if (content.subarray(0, 4).equals(elfMagic))
    for (const library of await librariesOf(source)) await add(entries, library, library);
}

function addFolders(entries: Map<string, TarEntry>, path: string): void {
  if (path === '/' || path === '.' || entries.has(`${path.slice(1)}/`)) return;
  addFolders(entries, dirname(path));
  const folder = `${path.slice(1)}/`;
  entries.set(folder, { kind: 'folder', path: folder, mode: path === '/tmp' ? 0o1777 : 0o755 });
}

const elfMagic = Buffer.from('\x7fELF');

/** Empty for statically linked programs, for which `ldd` fails. */
async function librariesOf(path: string): Promise<string[]> {
  const { stdout } = await run('ldd', [path]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
