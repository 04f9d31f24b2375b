// The programs of the lab: Kubernetes, KEDA, containerd, CoreDNS, helm and kubeconform, built from the Go modules that test/lab/go pins. Built once
// for each state of those files, into the user's cache folder. Each program appears there by a rename, so that an interrupted build continues
// where it was, and two builds at once do no harm.

import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheRoot } from '../../cli/kafka/install-kafka.ts';

const run = promisify(execFile);
const goDir = fileURLToPath(new URL('go/', import.meta.url));

const KEDA = 'github.com/kedacore/keda/v2';
const CONTAINERD = 'github.com/containerd/containerd/v2';

/** Program → the module in test/lab/go that pins it, its package, and the name that Go gives it if that differs. */
const programs = {
  hyperkube: { module: 'tools', package: './hyperkube' },
  helm: { module: 'tools', package: 'helm.sh/helm/v3/cmd/helm' },
  kubeconform: { module: 'tools', package: 'github.com/yannh/kubeconform/cmd/kubeconform' },
  pause: { module: 'tools', package: './pause' },
  containerd: { module: 'tools', package: `${CONTAINERD}/cmd/containerd` },
  'containerd-shim-runc-v2': { module: 'tools', package: `${CONTAINERD}/cmd/containerd-shim-runc-v2` },
  ctr: { module: 'tools', package: `${CONTAINERD}/cmd/ctr` },
  'keda-operator': { module: 'tools', package: `${KEDA}/cmd/operator` },
  'keda-adapter': { module: 'tools', package: `${KEDA}/cmd/adapter` },
  'keda-webhooks': { module: 'tools', package: `${KEDA}/cmd/webhooks` },
  coredns: { module: 'coredns', package: '.' },
} as const;

export type Program = keyof typeof programs;
/** kubectl is part of the Kubernetes binary, which runs it when called by that name. */
export type Tool = Program | 'kubectl';

type Log = (line: string) => void;

const sayAloud: Log = (line) => void process.stderr.write(`lab: ${line}\n`);

/** The path of a program. Builds it first if it is missing, which takes minutes on a new machine. */
export async function toolPath(tool: Tool, log: Log = sayAloud): Promise<string> {
  const binDir = await openBinDir();
  const path = join(binDir, tool);
  if (await exists(path)) return path;
  if (tool === 'kubectl') {
    await toolPath('hyperkube', log);
    await symlink('hyperkube', path).catch(() => undefined);
  } else {
    await build(tool, binDir, log);
  }
  return path;
}

/** The folder of a Go module that the lab is built from, for its manifests and API descriptions. */
export async function moduleDir(module: 'k8s.io/kubernetes' | typeof KEDA): Promise<string> {
  const { stdout } = await go(['mod', 'download', '-json', module], 'tools');
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** The folder of a module of another version than the one that the lab pins. Outside test/lab/go, so that nothing there changes. */
export async function releasedModuleDir(module: typeof KEDA, version: string): Promise<string> {
  const args = ['mod', 'download', '-json', `${module}@${version}`];
  const { stdout } = await run('go', args, { cwd: tmpdir(), env: goEnvironment() });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

async function build(program: Program, binDir: string, log: Log): Promise<void> {
  const { module, package: source } = programs[program];
  await go(['version'], module);
  log(
    `building ${program} from Go modules (once; ${module === 'tools' ? 'minutes, where nothing is cached' : 'a minute'})`,
  );
  const startMs = performance.now();
  const fresh = await mkdtemp(join(binDir, '.new-'));
  try {
    await buildInto(join(fresh, program), module, source);
    await rename(join(fresh, program), join(binDir, program));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  log(`built ${program} in ${Math.round((performance.now() - startMs) / 1000)} s`);
}

async function buildInto(path: string, module: string, source: string): Promise<void> {
  const flags = ['-trimpath', '-tags=providerless', `-ldflags=${await linkerFlags()}`, '-o', path];
  const child = spawn('nice', ['-n', '10', 'go', 'build', ...flags, source], {
    cwd: join(goDir, module),
    env: goEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`go build ${source} failed:\n${output}`);
}

/** The programs know their versions only if the linker sets them. */
async function linkerFlags(): Promise<string> {
  const text = await readFile(join(goDir, 'tools', 'go.mod'), 'utf8');
  const version = (module: string): string =>
    new RegExp(`^\\s*${module.replaceAll('.', '\\.')} v(\\S+)`, 'm').exec(text)?.[1] ?? '0.0.0';
  const kubernetes = version('k8s.io/kubernetes');
  const [major = '', minor = ''] = kubernetes.split('.');
  const values = {
    'k8s.io/component-base/version.gitVersion': `v${kubernetes}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
    'k8s.io/client-go/pkg/version.gitVersion': `v${kubernetes}`,
    'helm.sh/helm/v3/internal/version.version': `v${version('helm.sh/helm/v3')}`,
    [`${KEDA}/version.Version`]: version(KEDA),
    [`${CONTAINERD}/version.Version`]: version(CONTAINERD),
  };
  return ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

/** Named by the content of test/lab/go, so that a new version never runs the programs of an old one. */
async function openBinDir(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(goDir, { recursive: true })).filter((name) => /\.(go|mod|sum)$/.test(name));
  for (const name of names.toSorted()) hash.update(name).update(await readFile(join(goDir, name)));
  const dir = join(cacheRoot(process.env), 'kubernetes', hash.digest('hex').slice(0, 12));
  await mkdir(dir, { recursive: true });
  return dir;
}

function go(args: readonly string[], module: string): Promise<{ stdout: string; stderr: string }> {
  return run('go', args, { cwd: join(goDir, module), env: goEnvironment(), maxBuffer: 10_000_000 }).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Error('Go 1.21 or newer is needed (no `go` on the PATH): https://go.dev/doc/install', {
        cause: error,
      });
    },
  );
}

function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOWORK: 'off' };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
