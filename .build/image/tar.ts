// A tar archive, as far as images need it: folders, files and links. The same contents give the same bytes.

const blockBytes = 512;
/** What a header has room for. */
const maxNameBytes = 100;
const typeFlags = { file: '0', link: '2', folder: '5' } as const;

export type TarEntry = { path: string; mode: number } & (
  { kind: 'file'; content: Buffer } | { kind: 'folder' } | { kind: 'link'; target: string }
);

export function writeTar(entries: Iterable<TarEntry>): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    if (Buffer.byteLength(entry.path) > maxNameBytes) blocks.push(...longName(entry.path));
    blocks.push(header(entry));
    if (entry.kind === 'file') blocks.push(entry.content, padding(entry.content.length));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

/** The GNU extension for long names: an entry before the entry, with the name as its content. */
function longName(path: string): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  return [write('././@LongLink', 0o644, name.length, 'L', ''), name, padding(name.length)];
}

function header(entry: TarEntry): Buffer {
  const size = entry.kind === 'file' ? entry.content.length : 0;
  const target = entry.kind === 'link' ? entry.target : '';
  return write(entry.path, entry.mode, size, typeFlags[entry.kind], target);
}

function write(path: string, mode: number, size: number, typeFlag: string, target: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
  };
  block.write(Buffer.from(path).subarray(0, maxNameBytes).toString('latin1'), 0, 'latin1');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write(' '.repeat(8), 148);
  block.write(typeFlag, 156);
  block.write(target, 157, maxNameBytes);
  block.write('ustar  \0', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function padding(length: number): Buffer {
  return Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes);
}
