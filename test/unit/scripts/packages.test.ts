import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { repository } from '../../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';

describe("the launcher's look for Debian packages", () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory('packages');
  });
  afterEach(() => removeDirectory(directory));

  /** A program that the launcher finds before the real one. */
  function pretend(name: string, script: string): void {
    writeFileSync(join(directory, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }

  function ensure(userId: number): { status: number | null; stderr: string } {
    const user = `process.getuid=()=>${userId}`;
    const code = `
      const { ensureDebianPackages } = await import(${JSON.stringify(join(repository, 'scripts/packages.mjs'))});
      ensureDebianPackages();`;
    const args = ['--import', `data:text/javascript,${user}`, '--input-type=module', '-e', code];
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
    return spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  }

  const absent = 'if [ "$3" = maven ]; then echo -n "install ok installed"; else exit 1; fi';

  it('does nothing where all are installed', () => {
    pretend('dpkg-query', 'echo -n "install ok installed"');
    pretend('sh', 'exit 9');
    expect(ensure(0)).to.include({ status: 0, stderr: '' });
  });

  it('installs as root what is missing, guarded against daemons that would start', () => {
    pretend('dpkg-query', absent);
    pretend('apt-get', 'exit 0');
    pretend('sh', `printf '%s' "$2" > "${directory}/script"`);
    const { status, stderr } = ensure(0);
    expect(status).to.equal(0);
    expect(stderr).to.equal('Installing Debian packages: zookeeper default-jre-headless\n');
    const script = readFileSync(join(directory, 'script'), 'utf8');
    expect(script).to.match(
      /install -y --no-install-recommends zookeeper default-jre-headless\s*$/,
    );
    expect(script.indexOf('policy-rc.d')).to.be.lessThan(script.indexOf('apt-get update'));
    expect(script).to.contain("trap 'rm -f /usr/sbin/policy-rc.d' EXIT");
  });

  it('takes sudo where it asks for no password', () => {
    pretend('dpkg-query', absent);
    pretend('apt-get', 'exit 0');
    pretend('sudo', `echo "$1 $2" >> "${directory}/called"`);
    expect(ensure(1000)).to.include({ status: 0 });
    expect(readFileSync(join(directory, 'called'), 'utf8')).to.equal('-n true\n-n sh\n');
  });

  it('ends with 1 and names the one command where it may not install', () => {
    pretend('dpkg-query', absent);
    pretend('apt-get', 'exit 0');
    pretend('sudo', 'exit 1');
    const { status, stderr } = ensure(1000);
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /Run:\n {2}sudo sh -c 'apt-get update && apt-get install -y .*zookeeper default-jre-headless'\n$/,
    );
  });

  it('ends with 1 where the installation fails', () => {
    pretend('dpkg-query', absent);
    pretend('apt-get', 'exit 0');
    pretend('sh', 'exit 100');
    expect(ensure(0)).to.include({ status: 1 });
  });
});
