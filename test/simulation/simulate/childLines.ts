/** Programs of the simulation as processes of their own: a mutant or a crash stays within. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ChildProgram {
  /** Path from this folder. */
  readonly program: string;
  readonly args: readonly string[];
  /** Modules loaded before it, and what they are told. */
  readonly imports?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs to the end, and hands over each line of its stdout. */
export function runChild(child: ChildProgram, onLine: (line: string) => void): Promise<void> {
  const { program, args, imports = [], env = {} } = child;
  const loaders = [...imports.map(pathOf), 'tsx'].flatMap((module) => ['--import', module]);
  const running = spawn(process.execPath, [...loaders, pathOf(program), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const stop = (): void => void running.kill();
  process.once('exit', stop);
  createInterface({ input: running.stdout }).on('line', onLine);
  return new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('close', () => {
      process.off('exit', stop);
      resolve();
    });
  });
}

function pathOf(program: string): string {
  return fileURLToPath(new URL(program, import.meta.url));
}
