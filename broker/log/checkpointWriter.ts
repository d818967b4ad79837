/**
 * Replaces one small file again and again: one replacement under way at a time, and what is asked
 * for meanwhile is done once, with the newest content, after it.
 */

import type { FileSystem } from '../../common/index.ts';

export class CheckpointWriter {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #content: () => Uint8Array;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param content is called when a replacement starts, so that it is as new as can be. */
  constructor(fileSystem: FileSystem, path: string, content: () => Uint8Array) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#content = content;
  }

  /** Resolves when a content taken at or after this call is durable. @throws system errors. */
  write(): Promise<void> {
    // One that has not started yet will take its content later than now.
    if (this.#next !== undefined) return this.#next;
    if (this.#current === undefined) {
      this.#current = this.#replace();
      return this.#current;
    }
    this.#next = this.#afterCurrent(this.#current);
    return this.#next;
  }

  async #afterCurrent(current: Promise<void>): Promise<void> {
    try {
      await current;
    } catch {
      // Reported to whoever asked for that one; this one tries on its own.
    }
    this.#next = undefined;
    this.#current = this.#replace();
    await this.#current;
  }

  async #replace(): Promise<void> {
    try {
      await this.#fileSystem.replaceFile(this.#path, this.#content());
    } finally {
      this.#current = undefined;
    }
  }
}
