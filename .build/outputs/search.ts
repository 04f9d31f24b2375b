// Searches all files of a folder, of any size, piece by piece.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Needle } from './needles.ts';

const pieceBytes = 1 << 20;
/** The end of a piece that is searched again with the next one. Longer than any needle. */
const overlapBytes = 512;
const contextBytes = 100;

export type Finding = {
  readonly file: string;
  /** The offset of the first byte. */
  readonly offset: number;
  readonly what: string;
  /** The text before it, without any needle. */
  readonly before: string;
};

export type Searched = { readonly bytes: number; readonly findings: readonly Finding[] };

export async function searchFolder(folder: string, needles: readonly Needle[]): Promise<Searched> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const findings: Finding[] = [];
  let bytes = 0;
  for (const name of names.sort()) {
    for await (const { piece, seen, start } of pieces(join(folder, name))) {
      bytes += piece.length - seen;
      for (const hit of hits(piece, seen, needles))
        findings.push({
          file: name,
          offset: start + hit.at,
          what: hit.needle.what,
          before: textBefore(piece, hit.at, needles),
        });
    }
  }
  return { bytes, findings };
}

type Piece = {
  readonly piece: Buffer;
  /** How many of its first bytes were in the last piece, too. */
  readonly seen: number;
  /** Its offset in the file. */
  readonly start: number;
};

async function* pieces(path: string): AsyncGenerator<Piece> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(overlapBytes + pieceBytes);
    let seen = 0;
    let start = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, seen, pieceBytes);
      if (bytesRead === 0) return;
      const length = seen + bytesRead;
      yield { piece: buffer.subarray(0, length), seen, start };
      const kept = Math.min(length, overlapBytes);
      buffer.copyWithin(0, length - kept, length);
      start += length - kept;
      seen = kept;
    }
  } finally {
    await file.close();
  }
}

function* hits(piece: Buffer, seen: number, needles: readonly Needle[]) {
  for (const needle of needles) {
    const { length } = needle.bytes;
    let at = piece.indexOf(needle.bytes, Math.max(0, seen - length + 1));
    for (; at >= 0; at = piece.indexOf(needle.bytes, at + length)) yield { at, needle };
  }
}

function textBefore(piece: Buffer, at: number, needles: readonly Needle[]): string {
  let text = piece.toString('latin1', Math.max(0, at - contextBytes), at);
  for (const { bytes } of needles) text = text.replaceAll(bytes.toString('latin1'), '***');
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ');
}
