import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repository } from '../../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';

describe('npm test', function () {
  this.timeout(60_000);
  let directory: string;

  /** A checkout whose tests are others; all else is this repository's own. */
  before(() => {
    directory = temporaryDirectory('npm-test');
    for (const name of readdirSync(repository)) {
      if (['test', 'scripts', '.git', '.cache'].includes(name)) continue;
      symlinkSync(join(repository, name), join(directory, name));
    }
    // Copied, since a launcher looks for its checkout from where its own file is.
    cpSync(join(repository, 'scripts'), join(directory, 'scripts'), { recursive: true });
    write('unit', "it('passes', () => undefined); xit('waits', () => undefined);");
    write('property', "it('fails', () => { throw new Error('on purpose'); });");
    write('simulation', "it('passes', () => undefined); it('crashes', () => process.exit(0));");
  });
  after(() => removeDirectory(directory));

  function write(suite: string, text: string): void {
    mkdirSync(join(directory, 'test', suite), { recursive: true });
    writeFileSync(join(directory, 'test', suite, 'some.test.ts'), text);
  }

  function run(...flags: readonly string[]): { status: number | null; stdout: string } {
    const args = [join(directory, 'scripts/test.mjs'), ...flags];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  }

  const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

  it('tells the seconds of a suite and ends with the counts', () => {
    const { status, stdout } = run('--only', 'unit');
    expect(stdout).to.match(/^unit: 1 passed, 0 failed, 1 skipped in \d+\.\d s$/m);
    expect(lastLine(stdout)).to.equal('1 passed, 0 failed, 1 skipped');
    expect(status).to.equal(0);
  });

  it('ends with 1 where a test failed, and shows it', () => {
    const { status, stdout } = run('--only', 'property');
    expect(stdout).to.contain('on purpose');
    expect(lastLine(stdout)).to.equal('0 passed, 1 failed');
    expect(status).to.equal(1);
  });

  it('takes a suite without tests for a failure, not for a success', () => {
    const { status, stdout } = run('--only', 'scripts');
    expect(stdout).to.contain('FAILED  the suite scripts has no tests at test/scripts');
    expect(lastLine(stdout)).to.equal('0 passed, 1 failed');
    expect(status).to.equal(1);
  });

  it('takes a suite that ends before it has reported for a failure', () => {
    const { status, stdout } = run('--only', 'simulation');
    expect(stdout).to.contain('FAILED  the suite simulation ended with exit code 0');
    expect(lastLine(stdout)).to.equal('0 passed, 1 failed');
    expect(status).to.equal(1);
  });

  it('takes no test at all for a failure', () => {
    const { status, stdout } = run('--only', 'unit', '--grep', 'no such test');
    expect(lastLine(stdout)).to.equal('0 passed, 0 failed');
    expect(status).to.equal(1);
  });

  it('refuses a suite that it does not know with exit code 2', () => {
    expect(run('--only', 'everything')).to.include({ status: 2, stdout: '' });
  });
});
