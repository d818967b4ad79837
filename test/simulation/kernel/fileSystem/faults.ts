/** Faults that a test orders: which operation, on which path, when, and what goes wrong. */

import type { SimRandom } from '../simRandom.ts';

export type FileOperation =
  | 'open'
  | 'stat'
  | 'readDirectory'
  | 'read'
  | 'write'
  | 'resize'
  | 'datasync'
  | 'rename'
  | 'unlink'
  | 'makeDirectory'
  | 'syncDirectory';

export interface FaultRule {
  readonly operation: FileOperation | readonly FileOperation[];
  /** Path as a whole, or a pattern for it. Default: every path. */
  readonly path?: string | RegExp;
  /** Lets the first so many matching operations pass. Default 0. */
  readonly skip?: number;
  /** Strikes so often, then never again. Default 1. */
  readonly times?: number;
  /** Strikes with this probability only. Default 1. */
  readonly probability?: number;
  /** System error code to fail with: EIO, ENOSPC, EMFILE, EDQUOT, ... */
  readonly error?: string;
  /** Of a write: so many bytes reach the file before the error. Default 0. */
  readonly writtenBytes?: number;
  /**
   * Of a datasync that fails: the kernel marks the pages clean, so that the next datasync succeeds
   * and the data is lost all the same. Without it the data stays dirty.
   * @see "Can Applications Recover from fsync Failures?", Rebello et al., USENIX ATC 2020
   */
  readonly dropDirty?: boolean;
  /** Of a read: one random bit of the result is wrong. */
  readonly flipBit?: boolean;
  /** Of an asynchronous operation, in a simulation: it takes so much longer. */
  readonly delayMs?: number;
}

/** One rule at work. */
export class Fault {
  readonly rule: FaultRule;
  /** How often it struck. */
  hits = 0;
  #seen = 0;
  #removed = false;

  constructor(rule: FaultRule) {
    this.rule = rule;
  }

  remove(): void {
    this.#removed = true;
  }

  /** Counts the operation. @returns whether the fault strikes it. */
  strikes(operation: FileOperation, path: string, random: SimRandom): boolean {
    const { rule } = this;
    if (this.#removed || this.hits >= (rule.times ?? 1)) return false;
    const operations = typeof rule.operation === 'string' ? [rule.operation] : rule.operation;
    if (!operations.includes(operation)) return false;
    if (typeof rule.path === 'string' && rule.path !== path) return false;
    if (rule.path instanceof RegExp && !rule.path.test(path)) return false;
    this.#seen += 1;
    if (this.#seen <= (rule.skip ?? 0)) return false;
    if (rule.probability !== undefined && !random.chance(rule.probability)) return false;
    this.hits += 1;
    return true;
  }
}
