/** Histories as files: written while clients run, read line by line whatever their size. */

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { HistoryLine } from './historyLine.ts';
import { parseLine } from './parseLine.ts';

const WRITE_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** Appends lines; holds back up to 64 KiB until `flush` or `close`. */
export class HistoryFile {
  readonly #file: number;
  #pending = '';
  #isOpen = true;

  /** @param path made, or emptied where it is there. */
  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  write(line: HistoryLine): void {
    this.#pending += `${JSON.stringify(line)}\n`;
    if (this.#pending.length >= WRITE_BYTES) this.flush();
  }

  flush(): void {
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.flush();
    closeSync(this.#file);
  }
}

/**
 * @throws {HistoryError} on the first line that breaks the format.
 * @throws a system error where the file cannot be read.
 */
export function* readHistory(path: string): Generator<HistoryLine> {
  let number = 0;
  for (const text of readLines(path)) {
    number += 1;
    yield parseLine(text, number);
  }
}

function* readLines(path: string): Generator<string> {
  const file = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  try {
    let rest: Buffer[] = [];
    for (;;) {
      const bytes = buffer.subarray(0, readSync(file, buffer));
      if (bytes.length === 0) break;
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        const piece = bytes.subarray(start, end);
        yield (rest.length === 0 ? piece : Buffer.concat([...rest, piece])).toString();
        rest = [];
        start = end + 1;
      }
      if (start < bytes.length) rest.push(Buffer.from(bytes.subarray(start)));
    }
    if (rest.length > 0) yield Buffer.concat(rest).toString();
  } finally {
    closeSync(file);
  }
}
