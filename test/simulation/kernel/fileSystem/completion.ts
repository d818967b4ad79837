/** When asynchronous file operations take effect, and when the program hears of it. */

export interface Completion {
  /**
   * @param label name of the operation.
   * @param apply lets it take effect.
   * @param settle tells the program; called after `apply`.
   * @param delayMs extra latency that a fault ordered.
   */
  submit(label: string, apply: () => void, settle: () => void, delayMs: number): void;
  /** What becomes of operations of a crashed process: told so, or never told anything. */
  readonly afterCrash: 'reject' | 'never';
}

/** For unit tests: everything is done by the next microtask. */
export const microtaskCompletion: Completion = {
  afterCrash: 'reject',
  submit: (_label, apply, settle) =>
    queueMicrotask(() => {
      apply();
      settle();
    }),
};

/** For unit tests that want to look at the moment between submission and completion. */
export class ManualCompletion implements Completion {
  readonly afterCrash = 'reject';
  readonly #submitted: { label: string; run: () => void }[] = [];

  /** Names of the operations under way, oldest first. */
  get pending(): readonly string[] {
    return this.#submitted.map(({ label }) => label);
  }

  submit(label: string, apply: () => void, settle: () => void): void {
    this.#submitted.push({
      label,
      run: () => {
        apply();
        settle();
      },
    });
  }

  /** Completes the operation at `index` (default: the oldest). @returns whether there was one. */
  completeNext(index = 0): boolean {
    const [operation] = this.#submitted.splice(index, 1);
    operation?.run();
    return operation !== undefined;
  }

  /** Completes everything, also what is submitted meanwhile, until nothing is left. */
  async completeAll(): Promise<void> {
    while (this.completeNext()) await new Promise((resolve) => setImmediate(resolve));
  }
}
