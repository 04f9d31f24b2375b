// Triggers from manifests on disk, read again whenever one of them changes.
import { watch, type FSWatcher } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MillraceError } from '../../contract/errors.ts';
import type { CheckExpression } from '../../contract/expressions.ts';
import { formatProblem } from '../../contract/problem.ts';
import { parseManifests } from './parse-manifests.ts';
import type { Problem } from '../../contract/problem.ts';
import type { TriggerSource } from '../../contract/trigger-source.ts';
import type { Subscription } from '../../contract/subscription.ts';

export interface Manifest {
  readonly file: string;
  readonly text: string;
}

/** Editors write in several steps: a change is read after this pause, in ms. */
const settleMs = 100;
/** What cannot be read for the moment of its replacement is tried again after this pause, in ms. */
const retryMs = 1_000;

interface Listing {
  readonly files: string[];
  /** Where a file may come, go or change. */
  readonly folders: string[];
}

/** The YAML files at `path`: the file itself, or all below the folder but those of `node_modules` and hidden folders. */
export async function readManifests(path: string): Promise<Manifest[]> {
  return readAll(await list(path));
}

function readAll({ files }: Listing): Promise<Manifest[]> {
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
 * Triggers of the manifests at `path`. A first reading with mistakes rejects with all of them; a later one is told to
 * `onProblems`, and the triggers stay as they were.
 */
export function createFileTriggers({
  path,
  checkExpression,
  onProblems,
}: FileTriggersOptions): TriggerSource {
  return {
    watch: async (onChange) => {
      const watched = new WatchedManifests(path);
      const first = parseForHere(
        await watched.read().catch((error: unknown) => {
          watched.stop();
          throw error;
        }),
        checkExpression,
      );
      if (first.problems.length > 0) {
        watched.stop();
        const lines = first.problems.map((problem) => `\n  ${formatProblem(problem)}`);
        throw new MillraceError(
          'MILLRACE_MANIFEST_INVALID',
          `the manifests at ${path} have mistakes:${lines.join('')}`,
        );
      }
      onChange(first.subscriptions);
      watched.start((manifests) => {
        const { subscriptions, problems } = parseForHere(manifests, checkExpression);
        if (problems.length > 0) onProblems(problems);
        else onChange(subscriptions);
      });
      return () => watched.stop();
    },
  };
}

/** What only Kubernetes could look up is a mistake too. */
function parseForHere(
  manifests: readonly Manifest[],
  checkExpression: CheckExpression,
): { readonly subscriptions: readonly Subscription[]; readonly problems: readonly Problem[] } {
  const { subscriptions, problems, elsewhere } = parseManifests(manifests, checkExpression);
  return { subscriptions, problems: [...problems, ...elsewhere] };
}

/**
 * Reads the manifests, and says when they may be others. It watches folders, not files: a file that an editor or a
 * ConfigMap replaces is another one, and nothing would be heard of it.
 */
class WatchedManifests {
  readonly #path: string;
  #onRead: ((manifests: Manifest[]) => void) | undefined;
  #watchers: FSWatcher[] = [];
  #isChanged = false;
  #isStopped = false;
  #reads = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The folders are watched anew before the files are read, so that no change falls between. */
  async read(): Promise<Manifest[]> {
    const listing = await list(this.#path);
    const before = this.#watchers;
    this.#watchers = this.#isStopped ? [] : listing.folders.flatMap((folder) => this.#watch(folder));
    for (const watcher of before) watcher.close();
    return readAll(listing);
  }

  /** `onRead` is called after each change from the first `read` on. */
  start(onRead: (manifests: Manifest[]) => void): void {
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
      // It is gone already, which its parent tells of.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  #readAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      const turn = (this.#reads += 1);
      this.read().then(
        (manifests) => {
          if (!this.#isStopped && turn === this.#reads) this.#onRead?.(manifests);
        },
        () => this.#readAfter(retryMs),
      );
    }, delayMs);
  }
}
