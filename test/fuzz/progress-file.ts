// A file in which a process records its progress: the number of inputs and the last one. The file outlives the process.
import { openSync, readFileSync, writeSync } from 'node:fs';

const headBytes = 8;

/** Creates the file and returns the function that records an input. */
export function openProgressFile(path: string): (input: Buffer) => void {
  const file = openSync(path, 'w');
  const head = Buffer.alloc(headBytes);
  let count = 0;
  return (input) => {
    head.writeUInt32LE((count += 1), 0);
    head.writeUInt32LE(input.length, 4);
    writeSync(file, Buffer.concat([head, input]), 0, headBytes + input.length, 0);
  };
}

/** Before the first input: count 0 and an empty input. */
export function readProgress(path: string): { readonly count: number; readonly input: Buffer } {
  const bytes = readFileSync(path);
  if (bytes.length < headBytes) return { count: 0, input: Buffer.alloc(0) };
  const end = headBytes + bytes.readUInt32LE(4);
  return { count: bytes.readUInt32LE(0), input: bytes.subarray(headBytes, end) };
}
