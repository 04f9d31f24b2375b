// Triggers from manifests on disk. They are read again whenever a file changes.
import { watch, type FSWatcher } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../contract/errors.ts';
import type { CheckExpression } from '../../contract/expressions.ts';
import { formatProblem } from '../../contract/manifest-problem.ts';
import { parseManifests } from './parse-manifests.ts';
import type { Problem } from '../../contract/manifest-problem.ts';
import type { TriggerSource } from '../../contract/trigger-source.ts';
import type { Subscription } from '../../contract/subscription.ts';
import type { ManifestFile } from './yaml-documents.ts';

/** Editors write a file in several steps, so a change is read after this delay, in ms. */
const settleMs = 100;
/** A file may be unreadable while it is replaced. Reading is retried after this delay, in ms. */
const retryMs = 1_000;

interface Listing {
  readonly files: string[];
  /** The folders in which files may appear, change or go. */
  readonly folders: string[];
}

/** The YAML files at `path`: the file itself, or all files below the folder, except in `node_modules` and hidden folders. */
export async function readManifests(path: string): Promise<ManifestFile[]> {
  return readAll(await list(path));
}

function readAll({ files }: Listing): Promise<ManifestFile[]> {
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
}

async function list(path: string): Promise<Listing> {
  try {
    if (!(await stat(path)).isDirectory()) return { files: [path], folders: [dirname(path)] };
    const listing: Listing = { files: [], folders: [] };
    await listFolder(path, listing);
    listing.files.sort();
    return listing;
  } catch (error) {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `cannot read the triggers at ${path}`, {
      cause: error,
    });
  }
}

async function listFolder(folder: string, listing: Listing): Promise<void> {
  listing.folders.push(folder);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) await listFolder(path, listing);
    } else if (/\.ya?ml$/.test(entry.name)) {
      listing.files.push(path);
    }
  }
}

export interface FileTriggersOptions {
  /** A file or a folder. */
  readonly path: string;
  readonly checkExpression: CheckExpression;
  readonly onProblems: (problems: readonly Problem[]) => void;
}

/**
 * Triggers of the manifests at `path`. If the first reading finds mistakes, `watch` rejects with all of them. If a later one does, it
 * reports them to `onProblems`, and the triggers stay as they were.
 */
export function createFileTriggers({
  path,
  checkExpression,
  onProblems,
}: FileTriggersOptions): TriggerSource {
  return {
    watch: async (onChange) => {
      const watched = new WatchedManifests(path);
      const found = await watched.read().catch((error: unknown) => {
        watched.stop();
        throw error;
      });
      const first = parseForHere(found, checkExpression);
      if (first.problems.length > 0) {
        watched.stop();
        const lines = first.problems.map((problem) => `\n  ${formatProblem(problem)}`);
        throw new MillraceError(
          'MILLRACE_MANIFEST_INVALID',
          `the manifests at ${path} have mistakes:${lines.join('')}`,
        );
      }
      onChange(first.subscriptions);
      watched.start(found, (manifests) => {
        const { subscriptions, problems } = parseForHere(manifests, checkExpression);
        if (problems.length > 0) onProblems(problems);
        else onChange(subscriptions);
      });
      return () => watched.stop();
    },
  };
}

/** A KafkaCluster that only works in Kubernetes is a mistake too. */
function parseForHere(
  manifests: readonly ManifestFile[],
  checkExpression: CheckExpression,
): { readonly subscriptions: readonly Subscription[]; readonly problems: readonly Problem[] } {
  const { subscriptions, problems, kubernetesOnly } = parseManifests(manifests, checkExpression);
  return { subscriptions, problems: [...problems, ...kubernetesOnly] };
}

/**
 * Reads the manifests, and reads them again after a change. It watches folders, not files: an editor or a ConfigMap replaces a file by
 * another one, and a watch of the old file would report nothing.
 */
class WatchedManifests {
  readonly #path: string;
  #onRead: ((manifests: readonly ManifestFile[]) => void) | undefined;
  #watchers: FSWatcher[] = [];
  #isChanged = false;
  #isStopped = false;
  #reads = 0;
  /** Other files of a watched folder may change all day, and are no news. */
  #told: readonly ManifestFile[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Watches the folders before it reads the files, so that no change in between is missed. */
  async read(): Promise<ManifestFile[]> {
    const listing = await list(this.#path);
    const before = this.#watchers;
    this.#watchers = this.#isStopped ? [] : listing.folders.flatMap((folder) => this.#watch(folder));
    for (const watcher of before) watcher.close();
    return readAll(listing);
  }

  /** Calls `onRead` after each change of a manifest since the first `read`, which found `first`. */
  start(first: readonly ManifestFile[], onRead: (manifests: readonly ManifestFile[]) => void): void {
    this.#told = first;
    this.#onRead = onRead;
    if (this.#isChanged) this.#readAfter(settleMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #watch(folder: string): FSWatcher[] {
    const changed = (): void => {
      this.#isChanged = true;
      if (this.#onRead !== undefined) this.#readAfter(settleMs);
    };
    try {
      return [watch(folder, changed).on('error', changed)];
    } catch (error) {
      // The folder is gone already, and the watch of its parent reports that.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  #readAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      const read = (this.#reads += 1);
      this.read().then(
        (manifests) => {
          if (this.#isStopped || read !== this.#reads || isDeepStrictEqual(manifests, this.#told)) return;
          this.#told = manifests;
          this.#onRead?.(manifests);
        },
        () => this.#readAfter(retryMs),
      );
    }, delayMs);
  }
}
