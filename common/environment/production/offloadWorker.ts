/** What runs in a thread of `WorkerOffload`: loads the module of a task once, then calls it. */

import { parentPort } from 'node:worker_threads';
import type { OffloadTask } from '../offload.ts';

export interface OffloadRequest {
  readonly id: number;
  readonly task: OffloadTask;
  readonly input: Uint8Array<ArrayBuffer>;
}

export type OffloadReply =
  | { readonly id: number; readonly result: Uint8Array; readonly error?: never }
  | {
      readonly id: number;
      readonly result?: never;
      readonly error: { readonly message: string; readonly code: string | undefined };
    };

type TaskFunction = (input: Uint8Array, parameter: number) => Uint8Array;

async function run({ id, task, input }: OffloadRequest): Promise<void> {
  try {
    const module = (await import(task.module)) as Readonly<Record<string, unknown>>;
    const taskFunction = module[task.function];
    if (typeof taskFunction !== 'function') {
      throw new Error(`The module "${task.module}" exports no function "${task.function}"`);
    }
    const output = (taskFunction as TaskFunction)(input, task.parameter);
    // Only memory that this result alone uses may leave the thread: not a slice of Buffer's pool.
    const result = new Uint8Array(output);
    reply({ id, result }, [result.buffer]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string'
        ? error.code
        : undefined;
    reply({ id, error: { message, code } }, []);
  }
}

function reply(message: OffloadReply, transfer: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on('message', (request: OffloadRequest) => void run(request));
