/** How a step of a request says no: thrown within the tree, and an `error` in its answer. */

import type { TreeErrorCode } from './treeRequest.ts';

/** Not an Error, since it is an answer: it needs no stack and never leaves this folder. */
export class Refusal {
  readonly error: TreeErrorCode;
  /** Of a multi: index of the operation that was refused. */
  readonly failedIndex: number | undefined;

  constructor(error: TreeErrorCode, failedIndex?: number) {
    this.error = error;
    this.failedIndex = failedIndex;
  }

  inMulti(failedIndex: number): Refusal {
    return new Refusal(this.error, failedIndex);
  }
}

/** @throws {Refusal} always. */
export function refuse(error: TreeErrorCode): never {
  throw new Refusal(error);
}
