import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { NodeHost } from '../../../../../common/environment/production/index.ts';
import { Child } from '../../../../harness/childProcess.ts';
import { removeDirectory, temporaryDirectory } from '../../../../harness/temporaryDirectory.ts';

/** Perl is on every Debian, and calls fcntl as Java's FileChannel.tryLock does. */
const LOCK_SCRIPT = `use Fcntl; $| = 1; open(my $f, '+<', $ARGV[0]) or die;
  my $lock = pack('s s x4 q q i x4', F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $lock) or die; print "held\\n"; sleep 60;`;

describe('NodeHost', () => {
  const host = new NodeHost();
  const children: Child[] = [];

  async function child(command: string, args: readonly string[]): Promise<Child> {
    const started = new Child(command, args);
    children.push(started);
    await started.waitForOutput(/\n/, { timeoutMs: 5000 });
    return started;
  }

  afterEach(async () => {
    for (const started of children.splice(0)) await started.kill9();
  });

  function identityOf(pid: number) {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return { pid, startTicks, bootId: host.self.bootId };
  }

  it('knows itself', () => {
    expect(host.self.pid).to.equal(process.pid);
    expect(host.self.startTicks).to.be.above(0);
    expect(host.self.bootId).to.match(/^[0-9a-f-]{36}$/);
    expect(host.isRunning(host.self)).to.equal(true);
  });

  it('tells a process that runs from one that has ended', async () => {
    const process = await child('sh', ['-c', 'echo up; exec sleep 60']);
    const identity = identityOf(process.pid);
    expect(host.isRunning(identity)).to.equal(true);
    await process.kill9();
    expect(host.isRunning(identity)).to.equal(false);
  });

  it('is not fooled by the pid of another process, or of another boot', () => {
    const { self } = host;
    expect(host.isRunning({ ...self, startTicks: self.startTicks - 1 })).to.equal(false);
    expect(host.isRunning({ ...self, bootId: 'before' })).to.equal(false);
  });

  it('reads the identity of a process whose name holds spaces and parentheses', async () => {
    const directory = temporaryDirectory('host');
    const program = path.join(directory, 'a) (b 7');
    fs.copyFileSync('/bin/sleep', program);
    fs.chmodSync(program, 0o755);
    const process = await child('sh', ['-c', `echo up; exec '${program}' 60`]);
    while (!fs.readFileSync(`/proc/${process.pid}/stat`, 'utf8').includes('(a) (b 7)')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(host.isRunning(identityOf(process.pid))).to.equal(true);
    removeDirectory(directory);
  });

  it('names the process that holds a POSIX lock, as long as it does', async () => {
    const directory = temporaryDirectory('host');
    const file = path.join(directory, '.lock');
    fs.writeFileSync(file, '');
    expect(host.posixLockHolder(file)).to.equal(undefined);
    const process = await child('perl', ['-e', LOCK_SCRIPT, file]);
    expect(host.posixLockHolder(file)).to.equal(process.pid);
    expect(host.posixLockHolder(path.join(directory, 'other'))).to.equal(undefined);
    await process.kill9();
    expect(host.posixLockHolder(file)).to.equal(undefined);
    removeDirectory(directory);
  });
});
