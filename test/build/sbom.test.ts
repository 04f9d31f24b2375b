import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { type Lock } from '../../.build/dependencies/lock.ts';

interface Sbom {
  bomFormat: string;
  specVersion: string;
  metadata: { component: { name: string; version: string; purl: string } };
  components: { name: string; version: string; purl?: string; licenses?: unknown[]; hashes?: unknown[] }[];
}

const root = new URL('../../', import.meta.url);

async function read<Content>(path: string): Promise<Content> {
  return JSON.parse(await readFile(new URL(path, root), 'utf8')) as Content;
}

t.test('the list holds exactly the packages of a production installation', async (t) => {
  await promisify(execFile)(process.execPath, ['.build/sbom.js'], { cwd: root });
  const sbom = await read<Sbom>('sbom.cdx.json');
  const { packages } = await read<{ packages: Lock }>('package-lock.json');
  const { version } = await read<{ version: string }>('package.json');

  t.equal(sbom.bomFormat, 'CycloneDX');
  t.match(sbom.metadata.component, { name: 'millrace', version, purl: `pkg:npm/millrace@${version}` });
  const shipped = Object.entries(packages)
    .filter(([path, { dev, link }]) => path !== '' && dev !== true && link !== true)
    .map(([path, entry]) => `${path.replace(/^.*node_modules\//, '')}@${entry.version ?? ''}`);
  const listed = sbom.components.map((one) => `${one.name}@${one.version}`);
  t.strictSame(listed.sort(), [...new Set(shipped)].sort());
  const lacking = sbom.components.filter(
    ({ purl, licenses, hashes }) =>
      purl?.startsWith('pkg:npm/') !== true || licenses?.length !== 1 || hashes?.length !== 1,
  );
  t.strictSame(lacking, [], 'each has an address, a licence and a hash');
});
