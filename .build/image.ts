// `npm run image`: builds the image with what there is, loads it into the cluster on this machine that kubectl uses, and says how to go on.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findEngine, type Engine } from './image/engine.ts';
import { writeMillraceImage } from './image/layers.ts';
import { findCluster, loadCommand, parseCluster, type LocalCluster } from './image/local-cluster.ts';
import { run } from './image/run.ts';

const usage = `npm run image -- [--name REPOSITORY:TAG] [--load kind:NAME|k3d:NAME|minikube:NAME|none] [--push] [--output FILE]

  --name    the image; localhost/millrace:VERSION by default. A push needs the name of your registry
  --load    the cluster on this machine that takes it; by default the one that kubectl uses, if it is of kind, k3d or minikube
  --push    pushes it, with the engine that built it
  --output  keeps the archive (as docker save writes it). Without an engine and a cluster: millrace-VERSION.tar`;

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const say = (line: string): void => console.log(line);

interface Wishes {
  readonly name: string;
  readonly cluster: LocalCluster | undefined;
  readonly isPushed: boolean;
  readonly output: string | undefined;
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: 'string', default: `localhost/millrace:${version}` },
      load: { type: 'string' },
      push: { type: 'boolean', default: false },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(usage);
    return;
  }
  const { name, load, push: isPushed, output } = values;
  if (!/^[a-z0-9.:/_-]+:[\w.-]+$/.test(name)) throw new Error(`--name ${name} is not REPOSITORY:TAG`);
  const cluster = load === 'none' ? undefined : load === undefined ? await findCluster() : parseCluster(load);
  process.chdir(root);
  const dir = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  try {
    await make({ name, cluster, isPushed, output }, dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function make(wishes: Wishes, dir: string): Promise<void> {
  const { name, cluster, isPushed } = wishes;
  const engine = await findEngine();
  if (engine === undefined && isPushed)
    throw new Error('--push needs Podman, Buildah or Docker, and none of them is here and works');
  const kept = wishes.output ?? ((engine ?? cluster) ? undefined : `millrace-${version}.tar`);
  const archive = kept ?? join(dir, 'image.tar');
  await build(engine, name, kept === undefined && cluster === undefined ? undefined : archive);
  if (kept !== undefined) say(`wrote ${kept}`);
  if (isPushed) {
    await engine?.push(name);
    say(`pushed ${name}`);
  }
  if (cluster !== undefined) await load(cluster, archive);
  say(nextStep(wishes, engine, kept));
}

/** Writes the archive if a path is given. */
async function build(engine: Engine | undefined, name: string, archive: string | undefined): Promise<void> {
  if (engine !== undefined) {
    say(`building ${name} from the Containerfile, with ${engine.name} …`);
    await engine.build(name);
    say(`built ${name}`);
    if (archive !== undefined) await engine.save(name, archive);
    return;
  }
  if (process.platform !== 'linux' || archive === undefined)
    throw new Error(
      'Without Podman, Buildah or Docker, only Linux can make the image: it gets the Node of this machine',
    );
  say(
    `no Podman, Buildah or Docker that works: making ${name} from this checkout and its Node ${process.version} …`,
  );
  await writeMillraceImage(name, archive);
  say(`made ${name} for ${process.arch === 'arm64' ? 'arm64' : 'amd64'}`);
}

async function load(cluster: LocalCluster, archive: string): Promise<void> {
  const [program, ...args] = loadCommand(cluster, archive);
  const { code } = await run(program, args, { isShown: true });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed`);
  say(`loaded it into ${cluster.type} ${cluster.name}`);
}

function nextStep(
  { name, cluster, isPushed }: Wishes,
  engine: Engine | undefined,
  kept: string | undefined,
): string {
  const [, repository = '', tag = ''] = /^(.+):([^:]+)$/.exec(name) ?? [];
  const helm = `
  helm install millrace charts/millrace --namespace millrace --create-namespace \\
    --set image.repository=${repository} --set image.tag=${tag} --set kafka.bootstrapServers=HOST:PORT`;
  if (cluster !== undefined || isPushed) return `\nGo on with:\n${helm}`;
  const push =
    engine === undefined
      ? `skopeo copy docker-archive:${kept ?? 'FILE'} docker://REGISTRY/millrace:${tag}`
      : 'npm run image -- --push --name REGISTRY/millrace:TAG';
  return `\nNo cluster has it yet: kubectl uses none of kind, k3d or minikube. Bring it to a registry that your cluster pulls from:\n\n  ${push}\n
and go on with the name that it has there:\n${helm.replace(repository, 'REGISTRY/millrace')}`;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`image: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
