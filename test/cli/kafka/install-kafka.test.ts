// Installing, with tools that only pretend: what is missing is named, and an install appears whole or not at
// all.

import { readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ensureKafkaInstalled } from '../../../cli/kafka/install-kafka.ts';

const log = (): void => {};

const java17 = 'echo \'openjdk version "17.0.9" 2023-10-17\' >&2';
/** Writes a jar to the folder that Maven is called with. */
const maven =
  'for arg; do case $arg in -DoutputDirectory=*) d=${arg#*=};; esac; done; mkdir -p "$d"; : > "$d/kafka.jar"';

/** An environment with these shell scripts as its only programs, and an empty cache. */
async function environment(
  t: Test,
  programs: Record<string, string>,
): Promise<NodeJS.ProcessEnv & { MILLRACE_CACHE_DIR: string }> {
  const dir = t.testdir({ bin: {}, cache: {} });
  const bin = join(dir, 'bin');
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, { mode: 0o755 });
  }
  return { PATH: bin, MILLRACE_CACHE_DIR: join(dir, 'cache') };
}

t.test('names the tool that is missing, and how to install it', async (t) => {
  const cases = [
    {
      name: 'no Java',
      programs: {},
      message:
        'Kafka needs Java 17 or newer (no `java` on the PATH): apt-get install openjdk-17-jre-headless',
    },
    {
      name: 'an old Java',
      programs: { java: 'echo \'openjdk version "11.0.2" 2019-01-15\' >&2' },
      message: /^Kafka needs Java 17 or newer \(.*\/java is 11\): apt-get install openjdk-17-jre-headless$/,
    },
    {
      name: 'a Java that does not run',
      programs: { java: 'exit 1' },
      message: /^Kafka needs Java 17 or newer \(.*\/java does not run\)/,
    },
    {
      name: 'no Maven',
      programs: { java: java17 },
      message: 'Downloading Kafka needs Maven (no `mvn` on the PATH): apt-get install maven',
    },
  ];
  for (const { name, programs, message } of cases) {
    await t.test(name, async (t) => {
      const env = await environment(t, programs);
      await t.rejects(ensureKafkaInstalled({ log, env }), { code: 'MILLRACE_TOOL_MISSING', message });
    });
  }
});

t.test('JAVA_HOME goes before the PATH', async (t) => {
  const env = await environment(t, { java: java17 });
  const message = /^Kafka needs Java 17 or newer \(no bin\/java in JAVA_HOME, \/nowhere\)/;
  await t.rejects(ensureKafkaInstalled({ log, env: { ...env, JAVA_HOME: '/nowhere' } }), { message });
});

t.test('shows what Maven said, and leaves nothing half done', async (t) => {
  const env = await environment(t, { java: java17, mvn: `${maven}; echo "[ERROR] no network"; exit 1` });
  await t.rejects(ensureKafkaInstalled({ log, env }), {
    code: 'MILLRACE_LOCAL_KAFKA_FAILED',
    message: 'Maven could not download Kafka:\n[ERROR] no network',
  });
  const [version = ''] = readdirSync(env.MILLRACE_CACHE_DIR);
  t.match(version, /^kafka-\d+\.\d+\.\d+$/);
  t.same(readdirSync(join(env.MILLRACE_CACHE_DIR, version)), []);
});

t.test('two at once leave one installation', async (t) => {
  const env = await environment(t, { java: java17, mvn: maven });
  const [one, other] = await Promise.all([
    ensureKafkaInstalled({ log, env }),
    ensureKafkaInstalled({ log, env }),
  ]);
  t.same(one, other);
  t.match(one, { javaPath: /\/bin\/java$/, classPath: /\/jars\/kafka\.jar$/ });
  const [version = ''] = readdirSync(env.MILLRACE_CACHE_DIR);
  t.equal(readdirSync(join(env.MILLRACE_CACHE_DIR, version)).length, 1);

  rmSync(join(env.PATH ?? '', 'mvn'));
  t.same(await ensureKafkaInstalled({ log, env }), one, 'Maven is not asked again');
});

t.test('goes on without a class archive that the JVM cannot write, and does not try again', async (t) => {
  const env = await environment(t, { java: java17, mvn: maven });
  const lines: string[] = [];
  const first = await ensureKafkaInstalled({ log: (line) => lines.push(line), env });
  t.equal(first.archivePath, undefined);
  t.match(lines.at(-1), /^starts will be slower, because the JVM could not be prepared: /);
  lines.length = 0;
  await ensureKafkaInstalled({ log: (line) => lines.push(line), env });
  t.same(lines, []);
});
