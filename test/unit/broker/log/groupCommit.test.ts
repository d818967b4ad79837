import { expect } from 'chai';
import { GroupCommit, type SyncTask } from '../../../../broker/log/groupCommit.ts';
import { ManualCompletion, SimFileSystem } from '../../../simulation/kernel/index.ts';
import { settle } from './logFixture.ts';

describe('GroupCommit', () => {
  let completion: ManualCompletion;
  let fileSystem: SimFileSystem;
  let failures: string[];
  let group: GroupCommit;
  let done: string[];

  beforeEach(() => {
    completion = new ManualCompletion();
    fileSystem = new SimFileSystem({ directories: ['/d'], completion });
    failures = [];
    done = [];
    group = new GroupCommit({
      fileSystem,
      parallelMax: 2,
      onFailure: (error) => failures.push((error as NodeJS.ErrnoException).code ?? error.message),
    });
  });

  /** A log with files to sync; `captures` counts how often it was asked. */
  function logOf(name: string, files: readonly string[], directories: readonly string[] = []) {
    const log = {
      captures: 0,
      captureSync: (): SyncTask | undefined => {
        log.captures += 1;
        return {
          directories,
          files: files.map((path) => fileSystem.openSync(`/d/${path}`, 'create')),
        };
      },
      completeSync: () => void done.push(name),
    };
    return log;
  }

  it('has one group under way, and captures the next only when it is over', async () => {
    const log = logOf('a', ['f']);
    group.add(log);
    group.start();
    group.add(log);
    group.start();
    expect(log.captures).to.equal(1);
    await settle();
    completion.completeNext();
    await settle();
    expect(done).to.deep.equal(['a']);
    expect(log.captures).to.equal(2);
    await completion.completeAll();
    expect(done).to.deep.equal(['a', 'a']);
  });

  it('syncs names before bytes, and the files of a log in their order', async () => {
    group.add(logOf('a', ['old', 'new'], ['/d']));
    group.start();
    await settle();
    const order: string[] = [];
    while (completion.pending.length > 0) {
      order.push(...completion.pending);
      completion.completeNext();
      await settle();
    }
    expect(order.map((label) => label.split(' ')[0])).to.have.length(3);
    expect(order[0]).to.match(/syncDirectory/);
    expect(order[1]).to.match(/datasync/);
    expect(done).to.deep.equal(['a']);
  });

  it('syncs the files of several logs side by side, up to the cap', async () => {
    for (const name of ['a', 'b', 'c']) group.add(logOf(name, [name]));
    group.start();
    await settle();
    expect(completion.pending).to.have.length(2);
    completion.completeNext(1);
    await settle();
    expect(done).to.deep.equal(['b']);
    await completion.completeAll();
    expect(done.toSorted()).to.deep.equal(['a', 'b', 'c']);
  });

  it('reports the first failure, acknowledges nothing of it and never syncs again', async () => {
    fileSystem.inject({ operation: 'datasync', path: '/d/bad', error: 'EIO' });
    const good = logOf('good', ['good']);
    group.add(logOf('bad', ['bad']));
    group.start();
    group.add(good);
    await settle();
    await completion.completeAll();
    expect(failures).to.deep.equal(['EIO']);
    group.add(good);
    group.start();
    await completion.completeAll();
    expect(done).to.deep.equal([]);
    expect(good.captures).to.equal(0);
  });
});
