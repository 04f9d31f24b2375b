// Bytes as they come from a broker → whole answers, each behind its size. Pure. Linear in the bytes, in however many chunks they come: an
// answer that is not whole within one chunk is gathered in one buffer of its size.

/** No answer is larger: what a fetch may bring in all, and the largest batch beside it. */
export const mostAnswerBytes = 256 * 1_048_576;

/** How a server of TLS says that it does not understand: the type of the record, and the first half of its version (RFC 8446, section 5.1). */
const tlsAlert = 0x1503;
/** A correlation id. */
const leastAnswerBytes = 4;

export class AnswerFrames {
  /** Larger answers are an error. */
  mostBytes: number;
  /** Of the size of the next answer, the bytes that are there. */
  readonly #size = Buffer.alloc(4);
  #sizeRead = 0;
  #answer: Buffer | undefined;
  #answerRead = 0;

  constructor(mostBytes = mostAnswerBytes) {
    this.mostBytes = mostBytes;
  }

  /** The answers that are whole with `chunk`; they may be views of it. Throws RangeError where a size cannot be that of an answer. */
  *take(chunk: Buffer): Generator<Buffer, void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#answer !== undefined) {
        at += this.#fill(this.#answer, chunk, at);
        if (this.#answerRead < this.#answer.length) return;
        const answer = this.#answer;
        this.#answer = undefined;
        yield answer;
        continue;
      }
      const read = chunk.copy(this.#size, this.#sizeRead, at);
      at += read;
      this.#sizeRead += read;
      if (this.#sizeRead < this.#size.length) return;
      this.#sizeRead = 0;
      const size = this.#judgedSize();
      if (at + size <= chunk.length) {
        yield chunk.subarray(at, at + size);
        at += size;
      } else {
        this.#answer = Buffer.allocUnsafeSlow(size);
        this.#answerRead = 0;
      }
    }
  }

  #fill(answer: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(answer, this.#answerRead, at);
    this.#answerRead += copied;
    return copied;
  }

  #judgedSize(): number {
    const size = this.#size.readInt32BE(0);
    if (size >= leastAnswerBytes && size <= this.mostBytes) return size;
    const isAlert = size >>> 16 === tlsAlert;
    throw new RangeError(isAlert ? 'the listener asks for TLS' : `no answer of Kafka has ${size} bytes`);
  }
}
