// Strimzi's CustomResourceDefinitions of Kafka, KafkaUser and KafkaTopic, by Strimzi's own generator from Strimzi's own classes, which Maven fetches. Kept in the
// user's cache folder; they appear by a rename.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { cacheRoot } from '../../cli/kafka/install-kafka.ts';

const run = promisify(execFile);
const pomPath = fileURLToPath(new URL('strimzi/pom.xml', import.meta.url));

const classes = {
  kafkas: 'io.strimzi.api.kafka.model.kafka.Kafka',
  kafkausers: 'io.strimzi.api.kafka.model.user.KafkaUser',
  kafkatopics: 'io.strimzi.api.kafka.model.topic.KafkaTopic',
} as const;
type Plural = keyof typeof classes;
const plurals = Object.keys(classes) as Plural[];

/** As far as it is looked at here. */
export type Definition = {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly versions: { name: string; served: boolean; storage: boolean }[] };
};

/** They serve `served`, of which the first is stored: 1.0 has `v1` alone, and releases before 0.49 `v1beta2`. */
export async function strimziCrds(served: readonly string[]): Promise<Definition[]> {
  const folder = await generated();
  return Promise.all(
    plurals.map(async (plural) => {
      const crd = parse(await readFile(join(folder, `${plural}.yaml`), 'utf8')) as Definition;
      const versions = crd.spec.versions
        .filter(({ name }) => served.includes(name))
        .map((version) => ({ ...version, served: true, storage: version.name === served[0] }));
      return { ...crd, spec: { ...crd.spec, versions } };
    }),
  );
}

async function generated(): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pomPath))
    .update(plurals.join());
  const parent = join(cacheRoot(process.env), 'strimzi');
  const folder = join(parent, hash.digest('hex').slice(0, 12));
  if (await isThere(folder)) return folder;
  await mkdir(parent, { recursive: true });
  const fresh = await mkdtemp(join(parent, '.new-'));
  try {
    await generateInto(fresh);
    // Another process may have been first, and its copy is as good.
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!(await isThere(folder))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function generateInto(folder: string): Promise<void> {
  const jars = join(folder, 'jars');
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
  await run('mvn', ['-B', '-q', '-f', pomPath, ...goal]);
  const targets = plurals.map((plural) => `${classes[plural]}=${join(folder, `${plural}.yaml`)}`);
  const options = ['--target-kube', '1.16+', '--crd-api-version', 'v1', '--yaml'];
  await run('java', ['-cp', join(jars, '*'), 'io.strimzi.crdgenerator.CrdGenerator', ...options, ...targets]);
  await rm(jars, { recursive: true });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
