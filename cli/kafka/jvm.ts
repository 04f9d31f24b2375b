// The command line of the broker's JVM, and its archive of parsed classes (class data sharing), which halves the start time.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnBroker } from './broker-process.ts';
import type { InstalledJars } from './kafka-release.ts';
import { openLogDirs, type LogDirTemplates } from './log-dir.ts';
import { findFreePorts } from './free-ports.ts';
import { formatProperties, serverProperties } from './server-properties.ts';

const logConfigPath = fileURLToPath(new URL('log4j2.xml', import.meta.url));

export type JvmOptions = {
  heapMb: number;
  /** Compile for speed instead of for a quick start, and collect garbage as Kafka's own scripts have it: in short pauses. */
  benchmark: boolean;
  /** `-XX` options that name the class archive to read or write. */
  archive: readonly string[];
  /** Java system properties, by name. */
  systemProperties?: Readonly<Record<string, string>> | undefined;
};

export function jvmArguments(classPath: string, configPath: string, options: JvmOptions): string[] {
  return [
    `-Xmx${options.heapMb}m`,
    ...(options.benchmark
      ? ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']
      : ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']),
    '-XX:-UsePerfData',
    ...options.archive,
    '-cp',
    classPath,
    `-Dlog4j2.configurationFile=${logConfigPath}`,
    ...Object.entries(options.systemProperties ?? {}).map(([name, value]) => `-D${name}=${value}`),
    'kafka.Kafka',
    configPath,
  ];
}

const silence = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off'];

/** Options that use the archive. A JVM that cannot use it starts without it, and prints nothing. */
export function readArchive(path: string): string[] {
  return [`-XX:SharedArchiveFile=${path}`, ...silence];
}

/**
 * Runs a broker once until it is ready, because the JVM writes the classes that it loaded to a file when it ends. Returns the
 * path of that file, in `workDir`. The archive holds the paths and times of the jars, so the jars must already be in their
 * final place.
 */
export async function writeArchive(
  { release, javaPath, classPath }: InstalledJars,
  templates: LogDirTemplates,
  workDir: string,
): Promise<string> {
  const [logDir = workDir] = await openLogDirs(workDir, 1, templates);
  const [port = 0, controllerPort = 0] = await findFreePorts(2);
  const self = { id: 1, port, controllerPort };
  const properties = serverProperties(self, [self], logDir, {}, release.quorum);
  const configPath = join(workDir, 'server.properties');
  await writeFile(configPath, formatProperties(properties));

  const path = join(workDir, 'classes.jsa');
  const archive = [`-XX:ArchiveClassesAtExit=${path}`, ...silence];
  const args = jvmArguments(classPath, configPath, { heapMb: 512, benchmark: false, archive });
  const broker = spawnBroker({ javaPath, args, temporaryDir: workDir, log: () => {} });
  await broker.ready(60_000);
  await broker.stop(60_000);
  return path;
}
