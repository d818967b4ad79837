/**
 * CPU-heavy pure functions on another thread, so that the event loop keeps serving.
 *
 * A task is named, takes and returns plain bytes, and keeps no state. In simulation it runs on the
 * same thread, at a moment that the scheduler chooses.
 */

export interface OffloadTask {
  /** URL of the module that exports the function; resolved in the worker. */
  readonly module: string;
  /** Name of the exported function `(input: Uint8Array, parameter: number) => Uint8Array`. */
  readonly function: string;
  readonly parameter: number;
}

export interface Offload {
  /**
   * Runs the task on `input`. The caller must not touch `input` until this settles.
   *
   * @throws whatever the task throws, with its message and `code`.
   */
  run(task: OffloadTask, input: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
