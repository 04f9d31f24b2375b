// `npm run image`: for real without a container engine, and with programs in the place of engines and clusters that only note what they are told.
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

t.setTimeout(300_000);
const run = promisify(execFile);
const script = new URL('../../.build/image.ts', import.meta.url).pathname;
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));

interface Outcome {
  readonly code: number;
  readonly output: string;
  /** What the programs were told, a line each. */
  readonly calls: string[];
}

/** Runs it where these programs are on the PATH, each of which answers with an exit code, and a text. */
async function image(t: Test, programs: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const dir = t.testdir();
  const bin = join(dir, 'bin');
  const log = join(dir, 'calls');
  await mkdir(bin);
  await writeFile(log, '');
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\n${body}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await symlink('/usr/bin/ldd', join(bin, 'ldd'));
  const { code, output } = await run(process.execPath, [script, ...args], {
    env: { PATH: bin, HOME: dir },
    maxBuffer: 10_000_000,
  }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: `${stdout}${stderr}` };
    },
  );
  const calls = (await readFile(log, 'utf8')).replaceAll(/\S*millrace-image-\w+/g, 'DIR').split('\n');
  return { code, output, calls: calls.filter((line) => line !== '') };
}

const works = 'exit 0';
const contextOf = (name: string): string => `echo ${name}`;

t.test('the first engine that works builds the Containerfile', async (t) => {
  const name = `localhost/millrace:${version}`;
  const builds: [engines: Record<string, string>, build: string][] = [
    [{ podman: works, docker: works }, `podman build --tag ${name} --file Containerfile .`],
    [{ podman: 'exit 125', buildah: works }, `buildah build --tag ${name} --file Containerfile .`],
    [{ docker: works }, `docker build --tag ${name} --file Containerfile .`],
  ];
  for (const [engines, build] of builds) {
    const { code, output, calls } = await image(t, engines);
    t.equal(code, 0, output);
    t.equal(calls.at(-1), build);
    t.match(output, /No cluster has it yet: .*\n\n {2}npm run image -- --push --name REGISTRY\/millrace:TAG/);
    t.match(output, /helm install millrace .*\n.*--set image\.repository=REGISTRY\/millrace/);
  }
});

t.test('the cluster that kubectl uses gets the image', async (t) => {
  const clusters: [programs: Record<string, string>, load: string][] = [
    [{ kubectl: contextOf('kind-dev'), kind: works }, 'kind load image-archive DIR/image.tar --name dev'],
    [{ kubectl: contextOf('k3d-dev'), k3d: works }, 'k3d image import DIR/image.tar --cluster dev'],
    [{ kubectl: contextOf('mine'), minikube: works }, 'minikube image load DIR/image.tar --profile mine'],
  ];
  for (const [programs, load] of clusters) {
    const { code, output, calls } = await image(t, { podman: works, ...programs });
    t.equal(code, 0, output);
    t.strictSame(calls.slice(-2), [
      `podman save --format docker-archive --output DIR/image.tar localhost/millrace:${version}`,
      load,
    ]);
    t.match(output, /loaded it into (kind dev|k3d dev|minikube mine)\n\nGo on with:\n\n {2}helm install/);
    t.match(output, `--set image.repository=localhost/millrace --set image.tag=${version} `);
  }
  const remote = { podman: works, kubectl: contextOf('production'), minikube: 'exit 85', kind: works };
  const { calls } = await image(t, remote);
  t.notOk(
    calls.some((call) => /load|import|save/.test(call)),
    'and another cluster does not',
  );
});

t.test('it loads and pushes as it is told', async (t) => {
  const programs = { docker: works, kubectl: contextOf('kind-dev'), kind: works };
  const none = await image(t, programs, '--load', 'none', '--push', '--name', 'registry.example.com/m:1');
  t.strictSame(none.calls.slice(-2), [
    'docker build --tag registry.example.com/m:1 --file Containerfile .',
    'docker push registry.example.com/m:1',
  ]);
  t.match(none.output, /--set image\.repository=registry\.example\.com\/m --set image\.tag=1 /);
  const other = await image(t, programs, '--load', 'kind:other');
  t.equal(other.calls.at(-1), 'kind load image-archive DIR/image.tar --name other');
});

t.test('what cannot be done is said, and fails', async (t) => {
  const failures: [programs: Record<string, string>, args: string[], reason: RegExp][] = [
    [{}, ['--push'], /^image: --push needs Podman, Buildah or Docker/m],
    [{}, ['--load', 'k8s:dev'], /^image: --load takes kind:NAME, k3d:NAME, minikube:NAME or none/m],
    [{}, ['--name', 'millrace'], /^image: --name millrace is not REPOSITORY:TAG/m],
    [{ docker: '[ "$1" = info ]' }, [], /^image: docker build --tag \S+ --file Containerfile \. failed/m],
  ];
  for (const [programs, args, reason] of failures) {
    const { code, output } = await image(t, programs, ...args);
    t.equal(code, 1);
    t.match(output, reason);
  }
});

t.test('without an engine it makes an image that runs', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'image.tar');
  const { code, output, calls } = await image(t, { docker: 'exit 1' }, '--output', path);
  t.equal(code, 0, output);
  t.strictSame(calls, ['docker info']);
  t.match(output, /no Podman, Buildah or Docker that works: making localhost\/millrace:/);
  t.match(output, `skopeo copy docker-archive:${path} docker://REGISTRY/millrace:${version}`);

  const unpacked = join(dir, 'unpacked');
  await mkdir(unpacked);
  await run('tar', ['xf', path, '-C', unpacked]);
  const [manifest] = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8'));
  t.strictSame(manifest.RepoTags, [`localhost/millrace:${version}`]);
  const { config } = JSON.parse(await readFile(join(unpacked, manifest.Config), 'utf8'));
  t.equal(config.User, '65532:65532', 'not root, as a number');
  const files = join(dir, 'files');
  await mkdir(files);
  for (const layer of manifest.Layers) await run('tar', ['xf', join(unpacked, layer), '-C', files]);
  const [program, ...more] = config.Entrypoint.map((one: string) =>
    one.startsWith('/') ? files + one : one,
  );
  const { stdout } = await run(program, [...more, ...config.Cmd]);
  t.match(stdout, /Usage: millrace/, 'with its own Node and packages');
  await t.resolves(readFile(join(files, 'app', 'LICENSE')));
});
