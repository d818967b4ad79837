import { expect } from 'chai';
import { DirectoryLock, type Host, type ProcessIdentity } from '../../../common/index.ts';
import { SimFileSystem } from '../../simulation/kernel/index.ts';

const DIRECTORY = '/data';
const PREFIX = '.lock-';

function host(self: ProcessIdentity, running: readonly ProcessIdentity[]): Host {
  const same = (one: ProcessIdentity, other: ProcessIdentity) =>
    one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId;
  return {
    self,
    name: 'test',
    isRunning: (identity) => running.some((other) => same(identity, other)),
    posixLockHolder: () => undefined,
  };
}

describe('the lock of a directory', () => {
  const first = { pid: 10, startTicks: 100, bootId: 'b-o-o-t' };
  const second = { pid: 20, startTicks: 200, bootId: 'b-o-o-t' };
  let fileSystem: SimFileSystem;

  beforeEach(() => {
    fileSystem = new SimFileSystem({ directories: [DIRECTORY] });
  });

  const acquire = (self: ProcessIdentity, running: readonly ProcessIdentity[]) =>
    DirectoryLock.acquire({
      fileSystem,
      host: host(self, running),
      directory: DIRECTORY,
      prefix: PREFIX,
      inUse: (pid) => new Error(`in use by ${pid}`),
    });
  const locks = () => fileSystem.readDirectorySync(DIRECTORY);

  it('keeps a second process out as long as the first one runs', () => {
    acquire(first, [first]);
    expect(() => acquire(second, [first, second])).to.throw('in use by 10');
    expect(locks()).to.deep.equal(['.lock-10-100-b-o-o-t']);
  });

  it('keeps the same process from locking twice', () => {
    acquire(first, [first]);
    expect(() => acquire(first, [first])).to.throw('in use by 10');
    expect(locks()).to.have.lengthOf(1);
  });

  it('lets the next one in after a release', () => {
    acquire(first, [first]).release();
    acquire(second, [first, second]);
    expect(locks()).to.deep.equal(['.lock-20-200-b-o-o-t']);
  });

  it('is not held by a process that was killed', () => {
    acquire(first, [first]);
    acquire(second, [second]);
    expect(locks()).to.deep.equal(['.lock-20-200-b-o-o-t']);
  });

  it('is not fooled by a pid that is in use again, nor by one of an earlier boot', () => {
    acquire(first, [first]);
    acquire(second, [second, { ...first, startTicks: 999 }, { ...first, bootId: 'later' }]);
    expect(locks()).to.deep.equal(['.lock-20-200-b-o-o-t']);
  });

  it('leaves other files alone', () => {
    fileSystem.openSync(`${DIRECTORY}/journal`, 'create').closeSync();
    acquire(first, [first]).release();
    expect(locks()).to.deep.equal(['journal']);
  });
});
