import { expect } from 'chai';
import { systemErrorCode } from '../../common/index.ts';
import {
  type CrashMode,
  ManualCompletion,
  SECTOR_BYTES,
  SimFileSystem,
  SimulatedCrash,
} from './kernel/index.ts';

const PATH = '/data/file';
const OLD = Buffer.alloc(1500, 'o');
const NEW = Buffer.alloc(1500, 'n');

/** A file with durable content, and its durable name. */
function withFile(content: Uint8Array = OLD): SimFileSystem {
  const fileSystem = new SimFileSystem({ directories: ['/data'] });
  fileSystem.openSync(PATH, 'create').writevSync([content], 0);
  fileSystem.syncAll();
  return fileSystem;
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return systemErrorCode(error) ?? (error as Error).name;
  }
}

async function codeOfAsync(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => systemErrorCode(error) ?? (error as Error).name,
  );
}

describe('simulation: file system', () => {
  it('reads back what was written, with zeros in a gap, and up to the end only', () => {
    const fileSystem = new SimFileSystem({ directories: ['/data'] });
    const file = fileSystem.openSync(PATH, 'createNew');
    file.writevSync([Buffer.from('ab'), Buffer.from('cd')], 2);
    const target = Buffer.alloc(10, 'x');
    expect(file.readSync(target, 0)).to.equal(6);
    expect(target.toString('latin1')).to.equal('\0\0abcdxxxx');
    expect(file.readSync(target, 6)).to.equal(0);
    file.truncateSync(3);
    file.truncateSync(5);
    expect(fileSystem.readFileSync(PATH).toString('latin1')).to.equal('\0\0a\0\0');
  });

  it('fails like a real one where names do not fit', () => {
    const fileSystem = withFile();
    expect(codeOf(() => fileSystem.openSync('/data/none', 'read'))).to.equal('ENOENT');
    expect(codeOf(() => fileSystem.openSync('/none/file', 'create'))).to.equal('ENOENT');
    expect(codeOf(() => fileSystem.openSync(PATH, 'createNew'))).to.equal('EEXIST');
    expect(codeOf(() => fileSystem.openSync('/data', 'read'))).to.equal('EISDIR');
    expect(codeOf(() => fileSystem.openSync(`${PATH}/x`, 'create'))).to.equal('ENOTDIR');
    expect(codeOf(() => fileSystem.readDirectorySync('/none'))).to.equal('ENOENT');
    expect(codeOf(() => fileSystem.renameSync('/data/none', PATH))).to.equal('ENOENT');
    expect(codeOf(() => fileSystem.renameSync(PATH, '/data'))).to.equal('EISDIR');
    const reader = fileSystem.openSync(PATH, 'read');
    expect(codeOf(() => reader.writevSync([NEW], 0))).to.equal('EBADF');
    reader.closeSync();
    reader.closeSync();
    expect(codeOf(() => reader.readSync(Buffer.alloc(1), 0))).to.equal('EBADF');
    fileSystem.unlinkSync('/data/none');
    fileSystem.removeTreeSync('/none');
    expect(fileSystem.statSync('/data/none')).to.equal(undefined);
  });

  it('lists, renames and removes trees', () => {
    const fileSystem = new SimFileSystem();
    fileSystem.makeDirectorySync('/a/b/c');
    fileSystem.openSync('/a/b/c/2', 'create');
    fileSystem.openSync('/a/b/c/1', 'create');
    fileSystem.renameSync('/a/b', '/a/d');
    expect(fileSystem.readDirectorySync('/a/d/c')).to.deep.equal(['1', '2']);
    fileSystem.removeTreeSync('/a/d');
    expect(fileSystem.readDirectorySync('/a')).to.deep.equal([]);
  });

  it('keeps an open file usable after its name is gone', () => {
    const fileSystem = withFile();
    const file = fileSystem.openSync(PATH, 'readWrite');
    fileSystem.unlinkSync(PATH);
    expect(file.readSync(Buffer.alloc(2000), 0)).to.equal(OLD.length);
  });
});

describe('simulation: what a crash leaves of files', () => {
  const unsynced = (): SimFileSystem => {
    const fileSystem = withFile();
    fileSystem.openSync(PATH, 'readWrite').writevSync([NEW, NEW], 0);
    return fileSystem;
  };

  it('keeps everything when only the process dies, and loses it with the power later', () => {
    const killed = unsynced().afterCrash('keepAll');
    expect(killed.readFileSync(PATH)).to.deep.equal(Buffer.concat([NEW, NEW]));
    expect(killed.afterCrash('loseAllUnsynced').readFileSync(PATH)).to.deep.equal(OLD);
  });

  it('keeps what was synced, in every mode and for every seed', () => {
    for (const mode of ['random', 'loseAllUnsynced', 'keepAll'] satisfies CrashMode[]) {
      for (let seed = 1; seed <= 20; seed += 1) {
        const fileSystem = withFile();
        const file = fileSystem.openSync(PATH, 'readWrite');
        file.writevSync([NEW], 0);
        file.datasyncSync();
        file.writevSync([NEW], 3000);
        const found = fileSystem.afterCrash(mode, seed).readFileSync(PATH);
        expect(found.subarray(0, NEW.length)).to.deep.equal(NEW);
      }
    }
  });

  it('tears an unsynced write at sector boundaries, with every outcome among the seeds', () => {
    const before = Buffer.alloc(8 * SECTOR_BYTES, 'o');
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 200; seed += 1) {
      const fileSystem = withFile(before);
      const file = fileSystem.openSync(PATH, 'readWrite');
      file.writevSync([Buffer.alloc(8 * SECTOR_BYTES, 'n')], 0);
      const found = fileSystem.afterCrash('random', seed).readFileSync(PATH);
      expect(found.length).to.equal(before.length);
      let outcome = '';
      for (let sector = 0; sector < 8; sector += 1) {
        const bytes = found.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
        expect(new Set(bytes).size, 'a sector is old or new as a whole').to.equal(1);
        outcome += String.fromCharCode(bytes[0] ?? 0);
      }
      outcomes.add(outcome);
    }
    expect(outcomes).to.include.members(['oooooooo', 'nnnnnnnn']);
    expect(outcomes.size).to.be.greaterThan(30);
  });

  it('gives a sector as the cache had it at one moment, never a later change without the earlier', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const fileSystem = withFile(Buffer.alloc(SECTOR_BYTES, '0'));
      const file = fileSystem.openSync(PATH, 'readWrite');
      file.writevSync([Buffer.from('1')], 0);
      file.writevSync([Buffer.from('2')], 1);
      const found = fileSystem.afterCrash('random', seed).readFileSync(PATH);
      expect(found.toString('latin1', 0, 2)).to.be.oneOf(['00', '10', '12']);
    }
  });

  it('lets a file have grown over sectors that never came', () => {
    let withHole = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      const fileSystem = withFile(Buffer.alloc(0));
      fileSystem.openSync(PATH, 'readWrite').writevSync([Buffer.alloc(4096, 'n')], 0);
      const found = fileSystem.afterCrash('random', seed).readFileSync(PATH);
      if (found.length === 4096 && found.includes(0)) withHole += 1;
    }
    expect(withHole).to.be.greaterThan(5);
  });

  it('may undo a truncation that was not synced', () => {
    const sizes = new Set<number>();
    for (let seed = 1; seed <= 50; seed += 1) {
      const fileSystem = withFile();
      fileSystem.openSync(PATH, 'readWrite').truncateSync(100);
      sizes.add(fileSystem.afterCrash('random', seed).readFileSync(PATH).length);
    }
    expect([...sizes].sort((one, other) => one - other)).to.deep.equal([100, OLD.length]);
  });

  it('covers by a datasync exactly what was written before it was submitted', async () => {
    const completion = new ManualCompletion();
    const fileSystem = new SimFileSystem({ directories: ['/data'], completion });
    const file = fileSystem.openSync(PATH, 'create');
    fileSystem.syncDirectorySync('/data');
    file.writevSync([Buffer.from('before')], 0);
    const synced = file.datasync();
    file.writevSync([Buffer.from('after')], 6);
    expect(fileSystem.disk.afterCrash('loseAllUnsynced', 1).find(PATH)).to.have.nested.property(
      'cached.sizeBytes',
      0,
    );
    expect(completion.pending).to.deep.equal(['datasync']);
    completion.completeNext();
    await synced;
    const found = fileSystem.afterCrash('loseAllUnsynced').readFileSync(PATH);
    expect(found.toString()).to.equal('before');
  });
});

describe('simulation: what a crash leaves of names', () => {
  it('loses a name whose directory was not synced, also of a synced file', () => {
    const fileSystem = new SimFileSystem({ directories: ['/data'] });
    const file = fileSystem.openSync(PATH, 'create');
    file.writevSync([NEW], 0);
    file.datasyncSync();
    expect(fileSystem.afterCrash('loseAllUnsynced').statSync(PATH)).to.equal(undefined);
  });

  it('brings back what was unlinked or renamed without a sync of the directory', () => {
    const unlinked = withFile();
    unlinked.unlinkSync(PATH);
    expect(unlinked.afterCrash('loseAllUnsynced').readFileSync(PATH)).to.deep.equal(OLD);
    const renamed = withFile();
    renamed.renameSync(PATH, '/data/other');
    expect(renamed.afterCrash('loseAllUnsynced').readDirectorySync('/data')).to.deep.equal([
      'file',
    ]);
  });

  it('shows a rename within a directory whole or not at all', () => {
    const found = new Set<string>();
    for (let seed = 1; seed <= 50; seed += 1) {
      const fileSystem = withFile();
      fileSystem.renameSync(PATH, '/data/other');
      found.add(fileSystem.afterCrash('random', seed).readDirectorySync('/data').join());
    }
    expect([...found].sort()).to.deep.equal(['file', 'other']);
  });

  it('loses a whole tree with the name of its root', () => {
    const fileSystem = new SimFileSystem({ directories: ['/data'] });
    fileSystem.makeDirectorySync('/data/a/b');
    fileSystem.syncDirectorySync('/data/a');
    expect(fileSystem.afterCrash('loseAllUnsynced').readDirectorySync('/data')).to.deep.equal([]);
  });

  it('replaces a file as a whole or not at all, whichever step the crash comes at', async () => {
    const run = async (crashAfter: number): Promise<SimFileSystem> => {
      const fileSystem = withFile();
      fileSystem.crashAfterOperations(crashAfter);
      await fileSystem.replaceFile(PATH, NEW).catch(() => undefined);
      return fileSystem;
    };
    const before = withFile().operationCount;
    const steps = (await run(Infinity)).operationCount - before;
    expect(steps).to.equal(5);
    for (let step = 0; step <= steps; step += 1) {
      const crashed = await run(step);
      for (let seed = 1; seed <= 30; seed += 1) {
        const found = crashed.afterCrash('random', seed).readFileSync(PATH);
        expect(found.equals(OLD) || found.equals(NEW), `step ${step}, seed ${seed}`).to.equal(true);
        if (step === steps) expect(found).to.deep.equal(NEW);
      }
    }
  });
});

describe('simulation: crash at a step', () => {
  it('lets the ordered number of steps happen and nothing after them', async () => {
    const fileSystem = new SimFileSystem({ directories: ['/data'] });
    fileSystem.crashAfterOperations(2);
    const file = fileSystem.openSync(PATH, 'create');
    file.writevSync([NEW], 0);
    expect(codeOf(() => file.writevSync([OLD], 0))).to.equal('SimulatedCrash');
    expect(codeOf(() => fileSystem.statSync(PATH))).to.equal('SimulatedCrash');
    expect(await codeOfAsync(file.datasync())).to.equal(SimulatedCrash.name);
    expect(fileSystem.afterCrash('keepAll').readFileSync(PATH)).to.deep.equal(NEW);
  });

  it('rejects what was under way at the crash', async () => {
    const completion = new ManualCompletion();
    const fileSystem = new SimFileSystem({ directories: ['/data'], completion });
    const synced = codeOfAsync(fileSystem.openSync(PATH, 'create').datasync());
    fileSystem.crash();
    completion.completeNext();
    expect(await synced).to.equal(SimulatedCrash.name);
  });
});

describe('simulation: file faults', () => {
  it('fails the ordered operation on the ordered path, as often as ordered', () => {
    const fileSystem = withFile();
    const fault = fileSystem.inject({
      operation: 'read',
      path: /file$/,
      skip: 1,
      times: 2,
      error: 'EIO',
    });
    const outcomes = [1, 2, 3, 4].map(() => codeOf(() => fileSystem.readFileSync(PATH)));
    expect(outcomes).to.deep.equal([undefined, 'EIO', 'EIO', undefined]);
    expect(fault.hits).to.equal(2);
  });

  it('writes a part before the error when ordered', () => {
    const fileSystem = withFile(Buffer.alloc(0));
    fileSystem.inject({ operation: 'write', error: 'EIO', writtenBytes: 7 });
    const file = fileSystem.openSync(PATH, 'readWrite');
    expect(codeOf(() => file.writevSync([NEW], 0))).to.equal('EIO');
    expect(file.sizeSync()).to.equal(7);
  });

  it('runs out of space at its capacity, after a part, and recovers with space freed', () => {
    const fileSystem = withFile();
    fileSystem.capacityBytes = OLD.length + 100;
    const file = fileSystem.openSync('/data/other', 'create');
    expect(codeOf(() => file.writevSync([NEW], 0))).to.equal('ENOSPC');
    expect(file.sizeSync()).to.equal(100);
    fileSystem.unlinkSync(PATH);
    expect(codeOf(() => file.writevSync([NEW], 0))).to.equal(undefined);
  });

  it('loses data for good when a failed sync dropped it, though the next sync succeeds', async () => {
    const fileSystem = withFile();
    fileSystem.inject({ operation: 'datasync', error: 'EIO', dropDirty: true });
    const file = fileSystem.openSync(PATH, 'readWrite');
    file.writevSync([NEW], 0);
    expect(await codeOfAsync(file.datasync())).to.equal('EIO');
    await file.datasync();
    expect(fileSystem.readFileSync(PATH)).to.deep.equal(NEW);
    expect(fileSystem.afterCrash('loseAllUnsynced').readFileSync(PATH)).to.deep.equal(OLD);
  });

  it('refuses to open more files than allowed', () => {
    const fileSystem = withFile();
    fileSystem.maxOpenFiles = fileSystem.openFileCount + 1;
    const file = fileSystem.openSync(PATH, 'read');
    expect(codeOf(() => fileSystem.openSync(PATH, 'read'))).to.equal('EMFILE');
    file.closeSync();
    expect(codeOf(() => fileSystem.openSync(PATH, 'read'))).to.equal(undefined);
  });

  it('flips bits, for one read or for good', () => {
    const fileSystem = withFile();
    fileSystem.inject({ operation: 'read', flipBit: true });
    expect(fileSystem.readFileSync(PATH)).to.not.deep.equal(OLD);
    expect(fileSystem.readFileSync(PATH)).to.deep.equal(OLD);
    fileSystem.flipBit(PATH, 10, 0);
    expect(fileSystem.readFileSync(PATH)[10]).to.equal((OLD[10] as number) ^ 1);
    const found = fileSystem.afterCrash('loseAllUnsynced').readFileSync(PATH);
    expect(found[10]).to.equal((OLD[10] as number) ^ 1);
  });

  it('answers EBADF when a file is closed under a sync', async () => {
    const file = withFile().openSync(PATH, 'readWrite');
    const synced = file.datasync();
    file.closeSync();
    expect(await codeOfAsync(synced)).to.equal('EBADF');
  });
});
