import { expect } from 'chai';
import { finishSwaps, swapSegments } from '../../../../../broker/log/cleaner/segmentSwap.ts';
import { LogSegment } from '../../../../../broker/log/logSegment.ts';
import { silentLogger } from '../../../../../common/index.ts';
import { setBaseOffset } from '../../../../../protocol/index.ts';
import { SimFileSystem } from '../../../../simulation/kernel/index.ts';
import { keyedBatch } from './compactionFixture.ts';

const DIRECTORY = '/data/flights-0';

const nameOf = (offset: number, suffix: string) => `${String(offset).padStart(20, '0')}.${suffix}`;

/** Files by name: each of the logs holds one batch of `records` records from its offset on. */
function diskWith(files: Readonly<Record<string, number>>): SimFileSystem {
  const fileSystem = new SimFileSystem({ directories: ['/data', DIRECTORY] });
  for (const [name, records] of Object.entries(files)) {
    const file = fileSystem.openSync(`${DIRECTORY}/${name}`, 'create');
    if (records > 0) {
      const batch = keyedBatch(Array.from({ length: records }, (_, i) => [`k${i}`, name]));
      setBaseOffset(batch, 0, Number.parseInt(name, 10));
      file.writevSync([batch], 0);
    }
    file.closeSync();
  }
  fileSystem.syncAll();
  return fileSystem;
}

function finish(fileSystem: SimFileSystem): readonly string[] {
  finishSwaps(fileSystem, DIRECTORY, silentLogger);
  return fileSystem.readDirectorySync(DIRECTORY);
}

describe('the swap of compacted segments', () => {
  it('syncs the names after each step that the next one builds on', async () => {
    const fileSystem = diskWith({ [nameOf(0, 'log')]: 3, [nameOf(3, 'log')]: 2 });
    const steps: string[] = [];
    const short = (path: string) => path.slice(DIRECTORY.length + 1).replace(/^0+(?=\d)/, '');
    const recording = new Proxy(fileSystem, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return (...args: string[]) => {
          if (/^(rename|unlink|syncDirectory)/.test(String(property))) {
            steps.push([String(property), ...args.map(short)].join(' ').trim());
          }
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    const segmentAt = (baseOffset: number) =>
      new LogSegment({ fileSystem: recording, directory: DIRECTORY, baseOffset, createdMs: 0 });
    const options = { fileSystem: recording, directory: DIRECTORY, baseOffset: 0, createdMs: 0 };
    await swapSegments(recording, {
      directory: DIRECTORY,
      removed: [segmentAt(0), segmentAt(3)],
      cleaned: LogSegment.createCleaned(options),
      onDecided: () => steps.push('decided'),
    });
    expect(steps).to.deep.equal([
      'renameSync 0.log.cleaned 0.log.swap',
      'syncDirectory',
      'decided',
      'unlink 0.log',
      'unlink 0.index',
      'unlink 0.timeindex',
      'unlink 3.log',
      'unlink 3.index',
      'unlink 3.timeindex',
      'syncDirectory',
      'renameSync 0.log.swap 0.log',
      'syncDirectory',
    ]);
  });

  it('is undone at a start where it was not decided', () => {
    const fileSystem = diskWith({ [nameOf(0, 'log')]: 3, [nameOf(0, 'log.cleaned')]: 1 });
    expect(finish(fileSystem)).to.deep.equal([nameOf(0, 'log')]);
  });

  it('is finished at a start where it was: what it covers goes, with every index', () => {
    const fileSystem = diskWith({
      [nameOf(0, 'log')]: 3,
      [nameOf(0, 'index')]: 0,
      [nameOf(0, 'txnindex')]: 0,
      [nameOf(0, 'log.swap')]: 5,
      [nameOf(0, 'index.swap')]: 0,
      [nameOf(3, 'log')]: 2,
      [nameOf(3, 'timeindex')]: 0,
      [nameOf(5, 'log')]: 2,
      [nameOf(5, 'index')]: 0,
    });
    expect(finish(fileSystem)).to.deep.equal([
      nameOf(0, 'log'),
      nameOf(5, 'index'),
      nameOf(5, 'log'),
    ]);
    const { sizeBytes } = fileSystem.statSync(`${DIRECTORY}/${nameOf(0, 'log')}`)!;
    const fresh = diskWith({ [nameOf(0, 'log.swap')]: 5 });
    const swapBytes = fresh.statSync(`${DIRECTORY}/${nameOf(0, 'log.swap')}`)!.sizeBytes;
    expect(sizeBytes).to.equal(swapBytes);
  });

  it('is void where an earlier part is not decided, as when Kafka splits a segment', () => {
    const fileSystem = diskWith({
      [nameOf(0, 'log')]: 5,
      [nameOf(0, 'log.cleaned')]: 2,
      [nameOf(3, 'log.swap')]: 2,
    });
    expect(finish(fileSystem)).to.deep.equal([nameOf(0, 'log')]);
  });

  it('names a swap file that is not whole, and touches nothing', () => {
    const fileSystem = diskWith({ [nameOf(0, 'log')]: 3, [nameOf(0, 'log.swap')]: 3 });
    fileSystem.flipBit(`${DIRECTORY}/${nameOf(0, 'log.swap')}`, 70);
    expect(() => finish(fileSystem)).to.throw('log.swap" is corrupt');
    expect(fileSystem.readDirectorySync(DIRECTORY)).to.have.length(2);
  });
});
