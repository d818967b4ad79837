/** The command line under test, as processes: what users and scripts run. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './childProcess.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';
import { waitFor } from './waitFor.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const odradekBin = join(repository, 'bin/odradek.mjs');

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to stdin, which then ends. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Leaves stdin open and silent instead. */
  readonly openInput?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs `odradek ...args` to its end. Killed, with code null, after `timeoutMs` (30 s). */
export function odradek(
  args: readonly string[],
  { input = '', openInput = false, env = {}, timeoutMs = 30_000 }: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [odradekBin, ...args], { env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that does not read its input is no fault of the test.
  child.stdin.on('error', () => undefined);
  if (!openInput) child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Documents of an output of JSON lines. */
export function jsonLines<T = Readonly<Record<string, unknown>>>(text: string): readonly T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** What `odradek start --json` prints. */
export interface StartedJson {
  readonly ready: true;
  readonly clusterId: string;
  readonly dir: string;
  readonly coordinator: { readonly address: string; readonly pid: number | null };
  readonly brokers: readonly {
    readonly id: number;
    readonly pid: number;
    readonly native: string;
    readonly admin: string | null;
    readonly config: string;
  }[];
}

export const anyPorts = [
  '--native-port',
  '0',
  '--kafka-port',
  '0',
  '--admin-port',
  '0',
  '--coordinator-port',
  '0',
];

export class StartedCluster {
  readonly child: Child;
  readonly started: StartedJson;
  readonly #directory: string;

  private constructor(child: Child, started: StartedJson, directory: string) {
    this.child = child;
    this.started = started;
    this.#directory = directory;
  }

  /** Runs `odradek start` on free ports in a temporary directory and waits until it serves. */
  static async start(options: { readonly args?: readonly string[] } = {}): Promise<StartedCluster> {
    const directory = temporaryDirectory('start');
    const given = options.args ?? [];
    const args = [odradekBin, 'start', '--json', '--dir', directory, ...anyPorts, ...given];
    const child = new Child(process.execPath, args);
    const [line] = await child.waitForOutput(/^\{.*\}\n/, { timeoutMs: 30_000 });
    return new StartedCluster(child, JSON.parse(line) as StartedJson, directory);
  }

  /** For `--brokers`. */
  get brokers(): string {
    return this.started.brokers.map(({ native }) => native).join(',');
  }

  /** Runs a command against this cluster. */
  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const env = { ODRADEK_BROKERS: this.brokers, ...options.env };
    return odradek(args, { ...options, env });
  }

  async stop(): Promise<void> {
    await this.child.stop(30_000);
    await noneLeft(processIds(this.started));
    removeDirectory(this.#directory);
  }
}

/** Of coordinator and brokers. */
export function processIds({ coordinator, brokers }: StartedJson): readonly number[] {
  const own = coordinator.pid === null ? [] : [coordinator.pid];
  return [...own, ...brokers.map(({ pid }) => pid)];
}

/** Waits until none of the processes runs. */
export async function noneLeft(pids: readonly number[], timeoutMs = 20_000): Promise<void> {
  const running = (): readonly number[] => pids.filter(isRunning);
  await waitFor(() => running().length === 0, { what: `the end of ${pids.join(', ')}`, timeoutMs });
}

export function isRunning(pid: number): boolean {
  try {
    // A zombie has ended; its parent has only not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}
