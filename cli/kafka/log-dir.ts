// The folders in which brokers store records and metadata. `StorageTool format` creates templates once, and each cluster's folders
// are copies of these, which saves the second that a JVM takes to start.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '../../core/contract/errors.ts';
import type { InstalledJars } from './kafka-release.ts';
import { formatProperties, serverProperties, type BrokerAddress } from './server-properties.ts';

const run = promisify(execFile);

/** Formatted folders: for a single broker, and for one of three. */
export type LogDirTemplates = { standalone: string; voter: string };

const idOf = (id: number): BrokerAddress => ({ id, port: 20_000 + id, controllerPort: 21_000 + id });

/** Formats both templates below `dir`. The addresses in them do not matter, because every start sets its own. */
export async function writeTemplates(installed: InstalledJars, dir: string): Promise<void> {
  const templates = templatesIn(dir);
  const isDynamic = installed.release.quorum === 'dynamic';
  await Promise.all([
    format(installed, templates.standalone, [idOf(1)], isDynamic ? ['--standalone'] : []),
    format(installed, templates.voter, [1, 2, 3].map(idOf), []),
  ]);
}

export function templatesIn(dir: string): LogDirTemplates {
  return { standalone: join(dir, 'standalone'), voter: join(dir, 'voter') };
}

async function format(
  { release, javaPath, classPath }: InstalledJars,
  logDir: string,
  cluster: readonly BrokerAddress[],
  flags: readonly string[],
): Promise<void> {
  await mkdir(logDir, { recursive: true });
  const configPath = `${logDir}.properties`;
  const properties = serverProperties(idOf(1), cluster, logDir, {}, release.quorum);
  await writeFile(configPath, formatProperties(properties));
  const tool = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', randomId(), '-c', configPath];
  try {
    await run(javaPath, [...tool, ...flags]);
  } catch (cause) {
    throw new MillraceError('MILLRACE_LOCAL_KAFKA_FAILED', 'Kafka could not format its log folder', {
      cause,
    });
  }
}

/**
 * The log folders of a cluster's brokers, `DIR/data/ID`: those of an earlier run, or new ones, which are created all at once.
 * @throws MillraceError if the earlier run had another number of brokers
 */
export async function openLogDirs(dir: string, count: number, templates: LogDirTemplates): Promise<string[]> {
  const data = join(dir, 'data');
  const existing = await readdir(data).catch(() => []);
  if (existing.length === 0) await createLogDirs(data, count, templates);
  else if (existing.length !== count) {
    const message = `${dir} holds the data of another number of brokers (${existing.length}, not ${count}): choose another directory.`;
    throw new MillraceError('MILLRACE_LOCAL_KAFKA_FAILED', message);
  }
  return Array.from({ length: count }, (_, index) => join(data, String(index + 1)));
}

async function createLogDirs(data: string, count: number, templates: LogDirTemplates): Promise<void> {
  const fresh = `${data}.new`;
  await rm(fresh, { recursive: true, force: true });
  const clusterId = randomId();
  for (let id = 1; id <= count; id += 1) {
    const logDir = join(fresh, String(id));
    await cp(count === 1 ? templates.standalone : templates.voter, logDir, { recursive: true });
    const identity = { 'cluster.id': clusterId, 'node.id': String(id) };
    // A single broker's metadata names its directory id, so that id must stay.
    await rewrite(
      join(logDir, 'meta.properties'),
      count === 1 ? identity : { ...identity, 'directory.id': randomId() },
    );
  }
  await rename(fresh, data);
}

async function rewrite(path: string, replacements: Readonly<Record<string, string>>): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => {
    const [key = ''] = line.split('=', 1);
    const value = replacements[key];
    return value === undefined ? line : `${key}=${value}`;
  });
  await writeFile(path, lines.join('\n'));
}

/** A UUID as Kafka writes it: 16 bytes in base64url. Without a leading dash, which StorageTool would read as a flag. */
function randomId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? randomId() : id;
}
