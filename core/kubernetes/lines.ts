// Bytes → lines: a watch sends a JSON object per line, cut into chunks wherever the network likes.

/** The lines that are not empty, each as soon as it is whole; what is cut off at the end is dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line !== '') yield line;
  }
}
