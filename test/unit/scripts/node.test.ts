import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryRoot } from '../../tidy/sources.ts';

/** Runs a launcher as if by another Node.js. */
function runAs(version: string, launcher: string): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process,"version",{value:${JSON.stringify(version)}})`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
  return spawnSync(process.execPath, [...args, join(repositoryRoot, launcher)], {
    encoding: 'utf8',
  });
}

describe('a launcher under too old a Node.js', () => {
  for (const launcher of ['start', 'test', 'build', 'check', 'run']) {
    it(`ends scripts/${launcher}.mjs with one line and exit code 1`, () => {
      for (const version of ['v18.20.0', 'v20.18.9']) {
        const { status, stderr } = runAs(version, `scripts/${launcher}.mjs`);
        expect(status).to.equal(1);
        expect(stderr).to.match(
          new RegExp(`^Odradek needs Node.js 20.19 or newer; this is ${version} \\(.*\\)\\n$`),
        );
      }
    });
  }

  it('does not refuse a new one', () => {
    const { status, stderr } = runAs('v26.1.0', 'scripts/node.mjs');
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
  });
});
