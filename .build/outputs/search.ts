// Searches all files of a folder, of any size, piece by piece.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretPattern } from './secret-patterns.ts';

const pieceBytes = 1 << 20;
/** The end of a piece that is searched again with the next one. Longer than any pattern. */
const overlapBytes = 512;
const contextBytes = 100;

export type Finding = {
  readonly file: string;
  /** The offset of the first byte. */
  readonly offset: number;
  readonly what: string;
  /** The text before it, without any pattern. */
  readonly before: string;
};

export type Searched = { readonly bytes: number; readonly findings: readonly Finding[] };

export async function searchFolder(folder: string, patterns: readonly SecretPattern[]): Promise<Searched> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const findings: Finding[] = [];
  let bytes = 0;
  for (const name of names.sort()) {
    for await (const { piece, seen, start } of pieces(join(folder, name))) {
      bytes += piece.length - seen;
      for (const hit of hits(piece, seen, patterns))
        findings.push({
          file: name,
          offset: start + hit.at,
          what: hit.pattern.what,
          before: textBefore(piece, hit.at, patterns),
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

function* hits(piece: Buffer, seen: number, patterns: readonly SecretPattern[]) {
  for (const pattern of patterns) {
    const { length } = pattern.bytes;
    let at = piece.indexOf(pattern.bytes, Math.max(0, seen - length + 1));
    for (; at >= 0; at = piece.indexOf(pattern.bytes, at + length)) yield { at, pattern };
  }
}

function textBefore(piece: Buffer, at: number, patterns: readonly SecretPattern[]): string {
  let text = piece.toString('latin1', Math.max(0, at - contextBytes), at);
  for (const { bytes } of patterns) text = text.replaceAll(bytes.toString('latin1'), '***');
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ');
}
