// Installs Apache Kafka into the user's cache folder on first use, with Maven. Every part is moved into place by a rename, so
// an interrupted installation, or two at once, leave nothing incomplete.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describeError, MillraceError } from '../../core/contract/errors.ts';
import { writeArchive } from './jvm.ts';
import { newestRelease, type InstalledJars, type KafkaRelease } from './kafka-release.ts';
import { templatesIn, writeTemplates, type LogDirTemplates } from './log-dir.ts';

const run = promisify(execFile);

export type KafkaInstallation = InstalledJars & {
  /** Classes parsed in advance for this JVM. Undefined (and an empty file) if the JVM could not write them. */
  archivePath: string | undefined;
  templates: LogDirTemplates;
};

export type InstallOptions = {
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  /** Absent: the newest. */
  release?: KafkaRelease | undefined;
};

/**
 * Installs what is missing: jars (over the network, about 10 s), formatted log folders, the class archive (5 s). If nothing is
 * missing, it takes as long as `java -version`.
 * @throws MillraceError `MILLRACE_TOOL_MISSING`, `MILLRACE_LOCAL_KAFKA_FAILED`
 */
export async function ensureKafkaInstalled(options: InstallOptions): Promise<KafkaInstallation> {
  const { log, env = process.env, release = newestRelease } = options;
  const java = await findJava(env);
  const pom = await readFile(release.pomPath, 'utf8');
  const version = /kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1] ?? 'unknown';
  const cacheDir = join(cacheRoot(env), `kafka-${version}`);
  const root = join(cacheDir, shortHash(pom));
  if (!(await exists(root))) await installOnce(root, cacheDir, java.path, { log, env, release });

  const templates = templatesIn(join(root, 'templates'));
  const jars = { release, javaPath: java.path, classPath: await classPathOf(join(root, 'jars')) };
  const archivePath = join(root, `classes-${shortHash(java.version)}.jsa`);
  if (!(await exists(archivePath))) {
    log('preparing the JVM for quick starts (first run only)');
    await inFreshDir(cacheDir, async (fresh) => {
      const written = await writeArchive(jars, templates, fresh);
      await rename(written, archivePath);
    }).catch(async (error: unknown) => {
      log(`starts will be slower, because the JVM could not be prepared: ${describeError(error)}`);
      await writeFile(archivePath, '');
    });
  }
  const usable = (await stat(archivePath)).size > 0;
  return { ...jars, archivePath: usable ? archivePath : undefined, templates };
}

/** The cache folder: `MILLRACE_CACHE_DIR`, or `millrace` in the user's cache folder. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  const ours = env.MILLRACE_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace');
  return resolve(ours); // absolute, because Maven resolves relative paths from the folder of its pom.xml
}

async function findJava(env: NodeJS.ProcessEnv): Promise<{ path: string; version: string }> {
  const home = env.JAVA_HOME;
  const folders = home === undefined || home === '' ? (env.PATH ?? '').split(':') : [join(home, 'bin')];
  for (const folder of folders) {
    const path = join(folder, 'java');
    if (!(await exists(path))) continue;
    const version = await run(path, ['-version'], { env }).then(({ stderr }) => stderr, String);
    const major = /version "(\d+)/.exec(version)?.[1];
    if (Number(major) >= 17) return { path, version };
    throw javaMissing(major === undefined ? `${path} does not run` : `${path} is ${major}`);
  }
  throw javaMissing(
    home === undefined || home === '' ? 'no `java` on the PATH' : `no bin/java in JAVA_HOME, ${home}`,
  );
}

function javaMissing(found: string): MillraceError {
  const message = `Kafka needs Java 17 or newer (${found}): apt-get install openjdk-17-jre-headless`;
  return new MillraceError('MILLRACE_TOOL_MISSING', message);
}

async function installOnce(
  root: string,
  cacheDir: string,
  javaPath: string,
  options: Required<InstallOptions> & { release: KafkaRelease },
): Promise<void> {
  options.log(`installing Kafka into ${cacheDir} (first run only)`);
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  await inFreshDir(cacheDir, async (fresh) => {
    const jars = join(fresh, 'jars');
    await copyJars(options.release.pomPath, jars, options);
    const installed = { release: options.release, javaPath, classPath: await classPathOf(jars) };
    await writeTemplates(installed, join(fresh, 'templates'));
    await chmod(fresh, 0o755);
    await rename(fresh, root).catch(async (error: unknown) => {
      if (!(await exists(root))) throw error; // otherwise another process was first, and its copy is just as good
    });
  });
}

async function inFreshDir(cacheDir: string, work: (dir: string) => Promise<void>): Promise<void> {
  const fresh = await mkdtemp(join(cacheDir, temporaryPrefix));
  try {
    await work(fresh);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function copyJars(pomPath: string, outputDir: string, { env }: InstallOptions): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${outputDir}`];
  try {
    await run('mvn', ['-B', '-q', '-f', pomPath, ...goal], { env });
  } catch (cause) {
    const { code, stdout = '' } = cause as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') {
      const message = 'Downloading Kafka needs Maven (no `mvn` on the PATH): apt-get install maven';
      throw new MillraceError('MILLRACE_TOOL_MISSING', message, { cause });
    }
    const firstLines = stdout.trimEnd().split('\n').slice(0, 5).join('\n');
    throw new MillraceError('MILLRACE_LOCAL_KAFKA_FAILED', `Maven could not download Kafka:\n${firstLines}`, {
      cause,
    });
  }
}

async function classPathOf(jarsDir: string): Promise<string> {
  const jars = (await readdir(jarsDir)).filter((name) => name.endsWith('.jar'));
  return jars
    .toSorted()
    .map((name) => join(jarsDir, name))
    .join(':');
}

const temporaryPrefix = 'new-';
const abandonedAfterMs = 60 * 60 * 1000;

/** Removes what killed installations have left. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name);
    if (!name.startsWith(temporaryPrefix)) continue;
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
