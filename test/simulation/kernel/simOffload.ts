/** Worker threads that are none: the task runs on this thread, when the scheduler says. */

import type { Offload, OffloadTask } from '../../../common/index.ts';
import type { SimProcess } from './simProcess.ts';
import type { SimRandom } from './simRandom.ts';

type TaskFunction = (input: Uint8Array, parameter: number) => Uint8Array;

const LATENCY_MS_MEAN = 0.3;

export class SimOffload implements Offload {
  readonly #process: SimProcess;
  readonly #random: SimRandom;
  #closed = false;

  constructor(process: SimProcess, random: SimRandom) {
    this.#process = process;
    this.#random = random;
  }

  async run(task: OffloadTask, input: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) throw new Error('The offload is closed');
    const exported = (await this.#process.scheduler.external(import(task.module))) as Record<
      string,
      TaskFunction
    >;
    const run = exported[task.function];
    if (run === undefined) throw new Error(`"${task.module}" exports no "${task.function}"`);
    return new Promise((resolve, reject) => {
      this.#process.after(this.#random.exponential(LATENCY_MS_MEAN), 'offload', () => {
        try {
          resolve(run(input, task.parameter));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
