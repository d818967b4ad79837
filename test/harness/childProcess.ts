/** A process under test: its output is kept, and it never outlives the test run. */

import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from './waitFor.ts';

export interface ChildOptions {
  readonly cwd?: string;
  /** Added to the environment of the test run. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class Child {
  readonly command: string;
  /** All that the process has written so far. */
  stdout = '';
  stderr = '';
  /** Set once the process is gone. */
  exit: ChildExit | undefined;
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;

  /** Starts `command` with its arguments at once; no shell is involved. */
  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    this.command = [command, ...args].join(' ');
    const { cwd, env } = options;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#process = child;
    living.add(child);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => {
      const settle = (exit: ChildExit) => {
        living.delete(child);
        this.exit = exit;
        resolve(exit);
      };
      child.once('close', (code, signal) => settle({ code, signal }));
      child.once('error', (error) => {
        this.stderr += String(error);
        settle({ code: null, signal: null });
      });
    });
  }

  /** @throws when the process could not be started. */
  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`Could not start ${this.command}: ${this.stderr}`);
    return pid;
  }

  /** Sends a signal to exactly this process; nothing happens when it is gone. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit === undefined) this.#process.kill(signal);
  }

  /** kill -9, and waits until the process is gone. A stopped process is killed too. */
  async kill9(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, then SIGKILL for one that has not gone within `graceMs`. */
  async stop(graceMs = 10_000): Promise<ChildExit> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /**
   * Waits until the output matches.
   *
   * @throws when the process exits first or the deadline passes; the message holds its output.
   */
  async waitForOutput(
    pattern: RegExp,
    {
      stream = 'stdout',
      timeoutMs = 20_000,
    }: { stream?: 'stdout' | 'stderr'; timeoutMs?: number } = {},
  ): Promise<RegExpExecArray> {
    const found = await waitFor(() => pattern.exec(this[stream]) ?? this.exit, {
      what: `${pattern} in the ${stream} of ${this.command}`,
      timeoutMs,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.stdout}\n${this.stderr}`);
    });
    if (Array.isArray(found)) return found as RegExpExecArray;
    const last = pattern.exec(this[stream]);
    if (last !== null) return last;
    throw new Error(`${this.command} exited early\n${this.stdout}\n${this.stderr}`);
  }
}
