import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repository } from '../../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';

describe('scripts/complete-lock.mjs', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory('complete-lock');
    mkdirSync(join(directory, 'scripts'));
    const script = 'scripts/complete-lock.mjs';
    cpSync(join(repository, script), join(directory, script));
  });
  afterEach(() => removeDirectory(directory));

  function run(
    packages: object,
    ...flags: readonly string[]
  ): { status: number | null; packages: object } {
    const file = join(directory, 'package-lock.json');
    writeFileSync(file, JSON.stringify({ lockfileVersion: 3, packages }));
    const args = [join(directory, 'scripts/complete-lock.mjs'), ...flags];
    const { status } = spawnSync(process.execPath, args);
    const lock = JSON.parse(readFileSync(file, 'utf8')) as { readonly packages: object };
    return { status, packages: lock.packages };
  }

  const owner = { version: '1.0.0', optionalDependencies: { 'tool-linux-x64-musl': '1.0.0' } };
  const added = {
    version: '1.0.0',
    optional: true,
    cpu: ['x64'],
    os: ['linux'],
    libc: ['musl'],
  };

  it('adds an optional package that the lock lacks, for its platform alone', () => {
    expect(run({ '': {}, 'node_modules/tool': owner })).to.deep.equal({
      status: 0,
      packages: {
        '': {},
        'node_modules/tool': owner,
        'node_modules/tool-linux-x64-musl': added,
      },
    });
  });

  it('finds one where Node.js would, and leaves a complete lock alone', () => {
    const nested = {
      'node_modules/tool': owner,
      'node_modules/tool/node_modules/tool-linux-x64-musl': { version: '1.0.0', optional: true },
    };
    expect(run(nested)).to.deep.equal({ status: 0, packages: nested });
  });

  it('with --check changes nothing and fails where something is missing', () => {
    const lacking = { 'node_modules/tool': owner };
    expect(run(lacking, '--check')).to.deep.equal({ status: 1, packages: lacking });
    const complete = { ...lacking, 'node_modules/tool-linux-x64-musl': added };
    expect(run(complete, '--check')).to.include({ status: 0 });
  });
});
