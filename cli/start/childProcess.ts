/** One process of the cluster, as its starter sees it. */

import { type ChildProcess as NodeChild, spawn } from 'node:child_process';
import { OdradekError } from '../../common/index.ts';
import { binPath } from '../packageInfo.ts';
import { type BrokerReady, CHILD_VARIABLE, type CoordinatorReady } from './supervision.ts';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export class ChildProcess<Ready extends BrokerReady | CoordinatorReady> {
  /** For messages: `broker 2`, `the coordinator`. */
  readonly name: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<ChildExit>;
  readonly #child: NodeChild;

  /**
   * Starts the process in a session of its own: the terminal's ctrl-C and hang-up reach the starter
   * alone, which stops brokers before the coordinator. Logs go to the starter's stderr.
   */
  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.#child = spawn(process.execPath, [...process.execArgv, binPath, ...args], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, [CHILD_VARIABLE]: String(process.pid) },
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
      this.#child.once('error', () => resolve({ code: 1, signal: null }));
    });
  }

  /** -1 where the process could not be started. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @throws {OdradekError} CHILD_ENDED: it ended before it was ready; its own words stand above. */
  async ready(): Promise<Ready> {
    const message = new Promise<Ready>((resolve) => {
      this.#child.once('message', (ready: Ready) => resolve(ready));
    });
    const ended = this.exited.then((exit): never => {
      throw new OdradekError(
        'CHILD_ENDED',
        `${this.name} ended ${describeExit(exit)} before it was ready`,
      );
    });
    return Promise.race([message, ended]);
  }

  /** Asks for a clean end. */
  stop(): void {
    if (this.#child.connected) this.#child.send({ type: 'stop' }, () => undefined);
  }

  kill(): void {
    if (this.running) this.#child.kill('SIGKILL');
  }
}

/** `by SIGKILL`, `with exit code 1`. */
export function describeExit({ code, signal }: ChildExit): string {
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}
