import t from 'tap';
import { readLines } from '../../../core/kubernetes/lines.ts';

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

t.test('lines are complete, wherever the chunks end, also within a character', async (t) => {
  const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":"漢字"}\n{"c":1');
  for (const size of [1, 2, 3, 7, 1_000]) {
    const lines: string[] = [];
    for await (const line of readLines(cut(bytes, size))) lines.push(line);
    t.strictSame(lines, ['{"a":"é"}', '{"b":"漢字"}']);
  }
});
