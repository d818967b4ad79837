/**
 * A disk that is really full: a tmpfs of a few mebibytes in a mount namespace of its own, which
 * needs no root where user namespaces are allowed. Processes that shall see it are started within.
 */

import { spawnSync } from 'node:child_process';
import { Child } from './childProcess.ts';
import { removeDirectory, temporaryDirectory } from './temporaryDirectory.ts';

/** With a user namespace, for everybody; without one, for root where they are forbidden. */
const WAYS = [
  { unshare: ['-Urm'], nsenter: ['-U', '-m', '--preserve-credentials'] },
  { unshare: ['-m'], nsenter: ['-m'] },
];

export class SmallDisk {
  /** Where it is mounted, for processes that are started by `within`. */
  readonly directory: string;
  /** Keeps the namespace, and with it the content, alive. */
  readonly #holder: Child;
  readonly #enter: readonly string[];

  private constructor(directory: string, holder: Child, enter: readonly string[]) {
    this.directory = directory;
    this.#holder = holder;
    this.#enter = enter;
  }

  /** @throws when this machine allows no mount namespace. */
  static async mount(sizeBytes: number): Promise<SmallDisk> {
    const directory = temporaryDirectory('small-disk');
    const script = `mount -t tmpfs -o size=${sizeBytes} none ${directory} && echo mounted && exec sleep 3600`;
    const failures: string[] = [];
    for (const { unshare, nsenter } of WAYS) {
      const holder = new Child('unshare', [...unshare, 'sh', '-c', script]);
      try {
        await holder.waitForOutput(/mounted/, { timeoutMs: 5_000 });
        return new SmallDisk(directory, holder, ['-t', String(holder.pid), ...nsenter]);
      } catch (error) {
        failures.push(String(error));
        await holder.kill9();
      }
    }
    throw new Error(`This machine allows no mount namespace:\n${failures.join('\n')}`);
  }

  /** The command line that runs `command` where the disk is mounted; its pid is the command's. */
  within(command: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [...this.#enter, `--wd=${process.cwd()}`, '--', command, ...args]];
  }

  resize(sizeBytes: number): void {
    this.#run('mount', ['-o', `remount,size=${sizeBytes}`, this.directory]);
  }

  async unmount(): Promise<void> {
    await this.#holder.kill9();
    removeDirectory(this.directory);
  }

  #run(command: string, args: readonly string[]): void {
    const { status, stderr } = spawnSync(...this.within(command, args), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`);
  }
}
