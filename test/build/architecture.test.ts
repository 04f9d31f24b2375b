// The tree is what its table of rooms says: every folder is a room, none is crowded, and a name means one file.
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import t from 'tap';
import { renderArchitecture } from '../../.build/architecture.ts';

const root = join(import.meta.dirname, '../..');
const { rooms } = createRequire(import.meta.url)('../../.build/rooms.cjs') as {
  rooms: Record<string, unknown>;
};
const planes = ['core', 'gateway', 'scaler', 'controller', 'cli'];
const sources = globSync(`{${planes.join(',')}}/**/*.ts`, { cwd: root });

t.test(
  'the picture of the tree is the one that the rooms make; otherwise: npm run docs:architecture',
  (t) => {
    for (const [path, text] of renderArchitecture())
      t.equal(readFileSync(join(root, path), 'utf8'), text, path);
    t.end();
  },
);

t.test('every folder with sources is a room', (t) => {
  const folders = new Set(sources.map((source) => dirname(source)));
  t.strictSame(
    [...folders].filter((folder) => !(folder in rooms)),
    [],
  );
  t.end();
});

t.test('no room has more than 20 files, and the contract some 20', (t) => {
  const count = (folder: string): number => sources.filter((source) => dirname(source) === folder).length;
  const crowded = Object.keys(rooms).filter((room) => count(room) > (room === 'core/contract' ? 25 : 20));
  t.strictSame(crowded, []);
  t.end();
});

t.test('no two files of a plane have one name', (t) => {
  for (const plane of planes) {
    const names = sources
      .filter((source) => source.startsWith(`${plane}/`))
      .map((source) => basename(source));
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    t.strictSame(twice, [], plane);
  }
  t.end();
});
