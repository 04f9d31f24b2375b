import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { searchFolder } from '../../../.build/outputs/search.ts';

const needles = [
  { what: 'a needle', bytes: Buffer.from('needle') },
  { what: 'a pin', bytes: Buffer.from('pin') },
];

t.test('each finding is reported once, wherever a file is cut into pieces', async (t) => {
  const folder = t.testdir();
  const size = 3 * 2 ** 20;
  for (let cut = 2 ** 20 - 7; cut <= 2 ** 20 + 1; cut++) {
    const content = Buffer.alloc(size, ' ');
    const offsets = [0, cut, cut + 6, 2 * cut, size - 6];
    for (const offset of offsets) content.write('needle', offset);
    await writeFile(join(folder, 'hay'), content);
    const { bytes, findings } = await searchFolder(folder, needles);
    t.equal(bytes, size);
    t.strictSame(
      findings.map(({ offset }) => offset),
      offsets,
    );
  }
});

t.test('a finding has the text before it, without any needle', async (t) => {
  const folder = t.testdir({ log: '{"pin":\n1,"needle":\u0007"needle and more"', clean: 'hay', below: {} });
  const { bytes, findings } = await searchFolder(folder, needles);
  t.equal(bytes, 40);
  t.strictSame(
    findings.map(({ file, offset, what, before }) => [file, offset, what, before]),
    [
      ['log', 11, 'a needle', '{"***": 1,"'],
      ['log', 21, 'a needle', '{"***": 1,"***": "'],
      ['log', 2, 'a pin', '{"'],
    ],
  );
});

t.test('an empty folder has no findings', async (t) => {
  t.strictSame(await searchFolder(t.testdir(), needles), { bytes: 0, findings: [] });
});
