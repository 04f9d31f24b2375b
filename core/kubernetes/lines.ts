// Splits a byte stream into lines: a watch sends one JSON object per line, in chunks that end anywhere. Pure.

/** Yields each line that is not empty as soon as it is complete. An incomplete line at the end is dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line !== '') yield line;
  }
}
