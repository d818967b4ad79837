import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { repositoryRoot } from '../../tidy/sources.ts';

const module = join(repositoryRoot, 'scripts/lock.mjs');

/** Counts up in a file while it holds the lock: without the lock, counts would get lost. */
const counting = (lock: string, file: string, times: number): string => `
  import { readFileSync, writeFileSync } from 'node:fs';
  const { withLock } = await import(${JSON.stringify(module)});
  for (let i = 0; i < ${times}; i++) {
    withLock(${JSON.stringify(lock)}, () => {
      const value = Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
      writeFileSync(${JSON.stringify(file)}, String(value + 1));
    });
  }`;

describe('the lock of the launchers', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory('lock');
  });
  afterEach(() => removeDirectory(directory));

  it('lets one process at a time in', async () => {
    const [lock, file] = [join(directory, 'lock'), join(directory, 'count')];
    writeFileSync(file, '0');
    const run = (): Promise<number | null> =>
      new Promise((resolve) => {
        const args = ['--input-type=module', '-e', counting(lock, file, 3)];
        spawn(process.execPath, args, { stdio: 'ignore' }).once('close', resolve);
      });
    expect(await Promise.all([run(), run(), run()])).to.deep.equal([0, 0, 0]);
    expect(readFileSync(file, 'utf8')).to.equal('9');
    expect(existsSync(lock)).to.equal(false);
  });

  it('is taken from a holder that was killed, without anybody removing a file', async () => {
    const [lock, file] = [join(directory, 'lock'), join(directory, 'count')];
    writeFileSync(file, '0');
    const hold = `
      const { withLock } = await import(${JSON.stringify(module)});
      withLock(${JSON.stringify(lock)}, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', hold], {
      stdio: 'ignore',
    });
    const gone = new Promise((resolve) => holder.once('close', resolve));
    await waitFor(() => existsSync(lock) && readFileSync(lock, 'utf8') !== '', {
      what: 'the lock',
    });
    holder.kill('SIGKILL');
    await gone;
    expect(existsSync(lock)).to.equal(true);
    const args = ['--input-type=module', '-e', counting(lock, file, 1)];
    expect(spawnSync(process.execPath, args).status).to.equal(0);
    expect(readFileSync(file, 'utf8')).to.equal('1');
  });

  it('is not fooled by another process that got the pid of a dead holder', () => {
    const [lock, file] = [join(directory, 'lock'), join(directory, 'count')];
    writeFileSync(file, '0');
    writeFileSync(lock, `${process.pid} 1`);
    const args = ['--input-type=module', '-e', counting(lock, file, 1)];
    expect(spawnSync(process.execPath, args).status).to.equal(0);
    expect(readFileSync(file, 'utf8')).to.equal('1');
  });
});
