/**
 * A small pool of worker threads. Threads start with the first task and never keep the process
 * alive by themselves; a process that offloads nothing pays nothing.
 *
 * The input is copied once (65 us for 64 KiB including both hops), since the caller keeps it; the
 * result moves without a copy.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Offload, OffloadTask } from '../offload.ts';
import type { OffloadReply, OffloadRequest } from './offloadWorker.ts';

export interface WorkerOffloadOptions {
  /** Threads at most. Default 2. */
  readonly threadsMax?: number;
}

interface PendingTask {
  readonly thread: Worker;
  readonly resolve: (result: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class WorkerOffload implements Offload {
  readonly #threadsMax: number;
  readonly #threads = new Map<Worker, { busy: number }>();
  readonly #pending = new Map<number, PendingTask>();
  #nextId = 0;
  #closed = false;

  constructor(options: WorkerOffloadOptions = {}) {
    this.#threadsMax = options.threadsMax ?? 2;
  }

  run(task: OffloadTask, input: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(new Error('The worker threads are closed'));
    const thread = this.#leastBusyThread();
    const id = this.#nextId++;
    // A structured clone of a view would copy the whole buffer behind it.
    const copy = new Uint8Array(input);
    return new Promise<Uint8Array>((resolve, reject) => {
      this.#pending.set(id, { thread, resolve, reject });
      this.#addBusy(thread, 1);
      const request: OffloadRequest = { id, task, input: copy };
      thread.postMessage(request, [copy.buffer]);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads.keys()].map((thread) => thread.terminate()));
  }

  #leastBusyThread(): Worker {
    let best: Worker | undefined;
    let bestBusy = Number.POSITIVE_INFINITY;
    for (const [thread, { busy }] of this.#threads) {
      if (busy < bestBusy) {
        best = thread;
        bestBusy = busy;
      }
    }
    if (best !== undefined && (bestBusy === 0 || this.#threads.size >= this.#threadsMax)) {
      return best;
    }
    return this.#startThread();
  }

  #startThread(): Worker {
    const thread = newWorker();
    this.#threads.set(thread, { busy: 0 });
    thread.unref();
    thread.on('message', (reply: OffloadReply) => this.#settle(reply));
    thread.on('error', (error) => this.#removeThread(thread, error));
    thread.on('exit', () =>
      this.#removeThread(thread, new Error('The worker thread ended before its task')),
    );
    return thread;
  }

  #settle(reply: OffloadReply): void {
    const task = this.#pending.get(reply.id);
    if (task === undefined) return;
    this.#pending.delete(reply.id);
    this.#addBusy(task.thread, -1);
    if (reply.result !== undefined) {
      task.resolve(reply.result);
      return;
    }
    const { message, code } = reply.error;
    const error = new Error(message);
    if (code !== undefined) Object.assign(error, { code });
    task.reject(error);
  }

  #removeThread(thread: Worker, error: unknown): void {
    this.#threads.delete(thread);
    for (const [id, task] of this.#pending) {
      if (task.thread !== thread) continue;
      this.#pending.delete(id);
      task.reject(error);
    }
  }

  /** A thread with work keeps the process alive, an idle one does not. */
  #addBusy(thread: Worker, count: number): void {
    const state = this.#threads.get(thread);
    if (state === undefined) return;
    state.busy += count;
    if (state.busy > 0) thread.ref();
    else thread.unref();
  }
}

/**
 * The worker lies beside this file, built (.js) or, under tsx, as it was written (.ts). tsx does
 * not reach into threads by itself: there it is registered first.
 */
function newWorker(): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./offloadWorker.js', import.meta.url));
  const loader = JSON.stringify(tsxLoaderUrl());
  const worker = JSON.stringify(new URL('./offloadWorker.ts', import.meta.url).href);
  return new Worker(
    `import(${loader}).then(({ register }) => { register(); return import(${worker}); });`,
    { eval: true },
  );
}

/** tsx's own CommonJS build of this entry does not find its loader: the ES module is taken. */
function tsxLoaderUrl(): string {
  const path = createRequire(import.meta.url).resolve('tsx/esm/api');
  return pathToFileURL(path.replace(/\.cjs$/, '.mjs')).href;
}
