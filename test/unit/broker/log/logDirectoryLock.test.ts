import { expect } from 'chai';
import { lockLogDirectory } from '../../../../broker/log/logDirectoryLock.ts';
import { SimFileSystem, SimHost, SimMachine } from '../../../simulation/kernel/index.ts';

const DIRECTORY = '/data/log';

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect((error as Error).message).to.include(DIRECTORY);
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('the lock of a log directory', () => {
  let fileSystem: SimFileSystem;
  let machine: SimMachine;
  const acquire = (host: SimHost) => lockLogDirectory(fileSystem, host, DIRECTORY);

  beforeEach(() => {
    fileSystem = new SimFileSystem({ directories: [DIRECTORY] });
    machine = new SimMachine('host');
  });

  it('admits one process at a time', () => {
    const lock = acquire(new SimHost(machine));
    expect(codeOf(() => acquire(new SimHost(machine)))).to.equal('LOG_DIR_LOCKED');
    lock.release();
    acquire(new SimHost(machine));
  });

  it('names the process that holds it', () => {
    const holder = new SimHost(machine);
    acquire(holder);
    expect(() => acquire(new SimHost(machine))).to.throw(`process ${holder.self.pid} runs`);
  });

  it('survives kill -9: what a dead process left is taken away', () => {
    const killed = new SimHost(machine);
    acquire(killed);
    machine.exit(killed.self);
    acquire(new SimHost(machine));
    const locks = fileSystem.readDirectorySync(DIRECTORY).filter((name) => /odradek/.test(name));
    expect(locks).to.have.length(1);
  });

  it('is not fooled by a pid that was given again, after a reboot or without', () => {
    const killed = new SimHost(machine);
    acquire(killed);
    machine.boot();
    const next = new SimHost(machine);
    expect(next.self.pid).to.equal(killed.self.pid);
    acquire(next);
  });

  it('refuses a directory that a running Kafka holds', () => {
    machine.setPosixLock(`${DIRECTORY}/.lock`, 4711);
    expect(() => acquire(new SimHost(machine)))
      .to.throw('4711')
      .with.property('code', 'LOG_DIR_LOCKED');
    machine.setPosixLock(`${DIRECTORY}/.lock`, undefined);
    acquire(new SimHost(machine));
  });

  it('makes the .lock file that Kafka locks', () => {
    acquire(new SimHost(machine));
    expect(fileSystem.statSync(`${DIRECTORY}/.lock`)?.kind).to.equal('file');
  });

  it('is not held by one that was refused', () => {
    const holder = new SimHost(machine);
    const lock = acquire(holder);
    const refused = new SimHost(machine);
    expect(codeOf(() => acquire(refused))).to.equal('LOG_DIR_LOCKED');
    lock.release();
    acquire(new SimHost(machine));
  });
});
