/**
 * Where a command writes: results to stdout, everything else to stderr. A reader that closes its
 * end early (`| head`) is no failure: the command is told and ends quietly.
 */

import { once } from 'node:events';

/** Text and bytes that are gathered for one write. */
const BUFFERED_MAX = 1 << 16;

export class Output {
  readonly #quiet: boolean;
  readonly #closed = new AbortController();
  #buffered: (string | Uint8Array)[] = [];
  #bufferedLength = 0;
  #flushScheduled = false;

  constructor(options: { readonly quiet?: boolean } = {}) {
    this.#quiet = options.quiet ?? false;
    // EPIPE of a closed pipe, EIO of a terminal that is gone: nobody reads on.
    process.stdout.on('error', () => this.#closed.abort());
    process.stderr.on('error', () => undefined);
  }

  /** Aborted when nobody reads stdout any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Writes one line to stdout, at the latest at the end of the present turn. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** One JSON document on a line of its own. */
  json(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  /** Writes text or bytes as they are; they must not change afterwards. */
  write(content: string | Uint8Array): void {
    this.#buffered.push(content);
    this.#bufferedLength += content.length;
    if (this.#bufferedLength > BUFFERED_MAX) this.flush();
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  /** One line to stderr; nothing with `--quiet`. */
  note(text: string): void {
    if (!this.#quiet) process.stderr.write(`${text}\n`);
  }

  /** Hands everything to the operating system. */
  flush(): void {
    if (this.#buffered.length === 0) return;
    const chunks = this.#buffered.map((chunk) =>
      typeof chunk === 'string' ? Buffer.from(chunk) : chunk,
    );
    this.#buffered = [];
    this.#bufferedLength = 0;
    if (!this.closed.aborted) process.stdout.write(Buffer.concat(chunks));
  }

  /** Waits until a slow reader has caught up. */
  async drained(): Promise<void> {
    this.flush();
    if (!process.stdout.writableNeedDrain || this.closed.aborted) return;
    await once(process.stdout, 'drain', { signal: this.closed }).catch(() => undefined);
  }
}
