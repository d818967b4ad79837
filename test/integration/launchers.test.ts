import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { repository } from '../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { listFiles } from '../tidy/sources.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(cwd: string, command: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('the launchers in a checkout without node_modules', function () {
  this.timeout(180_000);
  let checkout: string;

  before(() => {
    checkout = temporaryDirectory('checkout');
    for (const path of listFiles().filter((it) => !it.startsWith('test/'))) {
      mkdirSync(dirname(join(checkout, path)), { recursive: true });
      cpSync(join(repository, path), join(checkout, path));
    }
  });
  after(() => removeDirectory(checkout));

  const build = (): Promise<Ended> => run(checkout, process.execPath, 'scripts/build.mjs');

  it('install and build once, also when two of them start together', async () => {
    const [first, second] = await Promise.all([build(), build()]);
    expect([first.code, second.code], first.stderr + second.stderr).to.deep.equal([0, 0]);
    const told = first.stderr + second.stderr;
    expect(told.match(/^Installing dependencies/gm)).to.have.length(1);
    expect(told.match(/^Building/gm)).to.have.length(1);
    expect(first.stdout + second.stdout).to.equal('');
    expect(existsSync(join(checkout, 'dist/cli/main.js'))).to.equal(true);
  });

  it('have nothing to do the next time', async () => {
    expect(await build()).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  it('give the checkout its own command by npx', async () => {
    const { code, stdout } = await run(checkout, 'npx', 'odradek', 'version', '--json');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ node: process.version });
  });

  it('build anew what a source changed, and leave nothing of a source that is gone', async () => {
    const extra = join(checkout, 'cli/extra.ts');
    appendFileSync(extra, "export const extra = 'extra';\n");
    expect(await build()).to.deep.equal({ code: 0, stdout: '', stderr: 'Building\n' });
    expect(existsSync(join(checkout, 'dist/cli/extra.js'))).to.equal(true);
    rmSync(extra);
    expect(await build()).to.include({ code: 0, stderr: 'Building\n' });
    expect(existsSync(join(checkout, 'dist/cli/extra.js'))).to.equal(false);
  });

  it('end with 1 and keep the last build where a source is wrong', async () => {
    const wrong = join(checkout, 'cli/wrong.ts');
    appendFileSync(wrong, "export const wrong: number = 'text';\n");
    const { code, stderr } = await build();
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/cli\/wrong\.ts.*error TS/)
      .and.to.match(/The build failed\n$/);
    expect(existsSync(join(checkout, 'dist/cli/main.js'))).to.equal(true);
    rmSync(wrong);
    expect(await build()).to.include({ code: 0 });
  });

  it('install anew when the lock file has changed', async () => {
    appendFileSync(join(checkout, 'package-lock.json'), '\n');
    const changed = await build();
    // A line feed changes no package: what is installed follows the lock already.
    expect(changed.code).to.equal(0);
    expect(changed.stderr).to.not.contain('Installing');
    const lock = join(checkout, 'node_modules/.package-lock.json');
    const text = readFileSync(lock, 'utf8');
    rmSync(lock);
    rmSync(join(checkout, 'node_modules/.odradek-lock-hash'));
    expect((await build()).stderr).to.match(/^Installing dependencies/);
    expect(JSON.parse(readFileSync(lock, 'utf8'))).to.deep.equal(JSON.parse(text));
  });

  it('pack into a package that an application can install, import and run', async () => {
    const packed = await run(checkout, 'npm', 'pack', '--silent', '--pack-destination', checkout);
    expect(packed, packed.stderr).to.include({ code: 0 });
    const archive = join(checkout, packed.stdout.trim());
    const application = temporaryDirectory('application');
    writeFileSync(join(application, 'package.json'), '{"type":"module"}');
    const flags = ['--silent', '--ignore-scripts', '--no-audit', '--no-fund'];
    const installed = await run(application, 'npm', 'install', ...flags, archive);
    expect(installed, installed.stderr).to.include({ code: 0 });
    const code = "const { Odradek } = await import('odradek'); console.log(Odradek.name);";
    const imported = await run(application, process.execPath, '--input-type=module', '-e', code);
    expect(imported, imported.stderr).to.include({ code: 0, stdout: 'Odradek\n' });
    const ran = await run(application, 'npx', 'odradek', 'version');
    expect(ran.stdout).to.match(/^odradek \d/);
    removeDirectory(application);
  });
});
