// The output of a running stack. On a terminal: messages, and a table below them that is redrawn in place. Elsewhere: messages,
// and a line for each trigger that has changed, at most once a second.
import { stripVTControlCharacters } from 'node:util';

export interface LiveViewOptions<Status> {
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly read: () => readonly Status[];
  /** A table with a heading. No line is longer than `width`. */
  readonly tableOf: (statuses: readonly Status[], width: number) => string[];
  readonly lineOf: (status: Status) => string;
  /** Gets the messages, where only lines belong in `stream`, even on a terminal. */
  readonly messages?: NodeJS.WritableStream | undefined;
}

const terminalIntervalMs = 200;
const logIntervalMs = 1000;

/** Each status has a name of its own: its key, where several namespaces are shown. */
export class LiveView<Status extends { readonly name: string; readonly key?: string }> {
  readonly #options: LiveViewOptions<Status>;
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;
  #stopped = false;
  #previous = new Map<string, string>();

  constructor(options: LiveViewOptions<Status>) {
    this.#options = options;
    this.#timer = setInterval(() => this.#update(), this.#isTerminal ? terminalIntervalMs : logIntervalMs);
  }

  /** Prints a line above the table, without control characters, because functions may write any. */
  print(line: string): void {
    const text = stripVTControlCharacters(line);
    if (!this.#isTerminal || this.#stopped) {
      (this.#options.messages ?? this.#options.stream).write(`${text}\n`);
      return;
    }
    this.#options.stream.write(`${this.#erased()}${text}\n${this.#table()}`);
  }

  /** Draws the final state and leaves it there. */
  stop(): void {
    clearInterval(this.#timer);
    this.#update();
    this.#stopped = true;
  }

  get #isTerminal(): boolean {
    return this.#options.stream.isTTY === true && this.#options.messages === undefined;
  }

  #update(): void {
    if (this.#isTerminal) this.#options.stream.write(`${this.#erased()}${this.#table()}`);
    else this.#writeChanges();
  }

  #writeChanges(): void {
    for (const status of this.#options.read()) {
      const line = this.#options.lineOf(status);
      const key = status.key ?? status.name;
      if (this.#previous.get(key) === line) continue;
      this.#previous.set(key, line);
      this.#options.stream.write(`${line}\n`);
    }
  }

  /** Moves the cursor to the start of the table and clears the rest of the screen. */
  #erased(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r\u001b[J`;
  }

  #table(): string {
    const { read, tableOf, stream } = this.#options;
    const statuses = read();
    const lines = statuses.length === 0 ? [] : ['', ...tableOf(statuses, (stream.columns ?? 80) - 1)];
    this.#drawn = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }
}
