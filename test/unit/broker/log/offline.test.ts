import { expect } from 'chai';
import { dumpLog, type VerifyEntry, verifyLog } from '../../../../broker/log/index.ts';
import type { SimFileSystem } from '../../../simulation/kernel/index.ts';
import { batchOf, LOG_DIR, LogFixture, START_MS, settle } from './logFixture.ts';

const PATH = `${LOG_DIR}/flights-0`;
const SEGMENT = `${PATH}/00000000000000000000.log`;

async function closedLog(): Promise<SimFileSystem> {
  const fixture = new LogFixture().start();
  const log = fixture.createLog();
  for (let index = 0; index < 20; index += 1) {
    const values = [`value ${index}`.padEnd(100), `and ${index}`.padEnd(100)];
    fixture.write(log, batchOf(values, START_MS + index), index < 10 ? 0 : 1);
  }
  await settle();
  await fixture.manager.close();
  return fixture.fileSystem;
}

async function verify(fileSystem: SimFileSystem, directory = LOG_DIR): Promise<VerifyEntry[]> {
  const entries: VerifyEntry[] = [];
  for await (const entry of verifyLog(fileSystem, directory)) entries.push(entry);
  return entries;
}

async function faultsOf(fileSystem: SimFileSystem, directory = LOG_DIR) {
  const entries = await verify(fileSystem, directory);
  const result = entries.at(-1);
  const faults = entries.filter((entry) => entry.type === 'fault');
  expect(result).to.include({ type: 'result', isSound: faults.length === 0 });
  return faults;
}

function edit(fileSystem: SimFileSystem, path: string, change: (content: Buffer) => Buffer): void {
  fileSystem.replaceFileSync(path, change(fileSystem.readFileSync(path)));
}

describe('verifyLog', () => {
  it('finds a log sound that was closed, as a directory and as a partition, and counts it', async () => {
    const fileSystem = await closedLog();
    for (const directory of [LOG_DIR, `${LOG_DIR}/`, PATH]) {
      expect((await verify(fileSystem, directory)).at(-1)).to.include({
        isSound: true,
        partitionCount: 1,
        batchCount: 20,
        recordCount: 40,
      });
    }
  });

  it('names file and position of a wrong byte', async () => {
    const fileSystem = await closedLog();
    const second = fileSystem.readFileSync(SEGMENT).readInt32BE(8) + 12;
    fileSystem.flipBit(SEGMENT, second + 90);
    const [fault] = await faultsOf(fileSystem);
    expect(fault).to.include({ path: SEGMENT, position: second });
    expect(fault?.message).to.include('CRC');
  });

  it('finds a file that was cut, and one that was replaced by another', async () => {
    const cut = await closedLog();
    edit(cut, SEGMENT, (content) => content.subarray(0, content.length - 10));
    expect((await faultsOf(cut))[0]?.path).to.equal(SEGMENT);
    const gone = await closedLog();
    edit(gone, SEGMENT, () => Buffer.alloc(0));
    expect(await faultsOf(gone)).to.not.deep.equal([]);
  });

  it('finds indexes that lie', async () => {
    for (const name of ['00000000000000000000.index', '00000000000000000000.timeindex']) {
      const fileSystem = await closedLog();
      edit(fileSystem, `${PATH}/${name}`, (content) => {
        content[content.length - 1]! ^= 1;
        return content;
      });
      const faults = await faultsOf(fileSystem);
      expect(faults.map(({ path }) => path)).to.deep.equal([`${PATH}/${name}`]);
    }
  });

  it('finds epochs and checkpoints that the batches contradict', async () => {
    const cases: [string, string][] = [
      ['flights-0/leader-epoch-checkpoint', '0\n2\n0 0\n1 19\n'],
      ['flights-0/leader-epoch-checkpoint', '0\n2\n0 0\n'],
      ['recovery-point-offset-checkpoint', '0\n1\nflights 0 41\n'],
      ['log-start-offset-checkpoint', '0\n1\nflights 0 41\n'],
      ['replication-offset-checkpoint', 'x'],
      ['meta.properties', 'version=9\n'],
    ];
    for (const [name, content] of cases) {
      const fileSystem = await closedLog();
      edit(fileSystem, `${LOG_DIR}/${name}`, () => Buffer.from(content));
      expect(await faultsOf(fileSystem), name).to.not.deep.equal([]);
    }
  });

  it('does not judge the indexes that the next start makes anew', async () => {
    const fixture = new LogFixture().start();
    const log = fixture.createLog();
    for (let index = 0; index < 40; index += 1) {
      fixture.write(log, batchOf([`value ${index}`.padEnd(100)]));
    }
    await settle();
    const fileSystem = fixture.fileSystem.afterCrash('loseAllUnsynced');
    expect(await faultsOf(fileSystem)).to.deep.equal([]);
  });

  it('refuses what is no log', async () => {
    const fileSystem = await closedLog();
    for (const path of ['/data', '/none', SEGMENT]) {
      const error = await verify(fileSystem, path).catch((reason: unknown) => reason);
      expect(error, path).to.have.property('code', 'NOT_A_LOG');
    }
  });
});

describe('dumpLog', () => {
  it('shows every batch, record and index entry of a partition', async () => {
    const fileSystem = await closedLog();
    const counts = new Map<string, number>();
    let position = 0;
    for await (const entry of dumpLog(fileSystem, PATH, { records: true })) {
      counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1);
      if (entry.type === 'batch' && entry.path === SEGMENT) {
        expect(entry.position).to.equal(position);
        position += entry.sizeBytes;
      }
    }
    expect(counts.get('batch')).to.equal(20);
    expect(counts.get('record')).to.equal(40);
    expect(counts.get('fault')).to.equal(undefined);
    expect(counts.get('offsetIndexEntry')).to.be.above(5);
    expect(counts.get('timeIndexEntry')).to.be.above(5);
  });

  it('stops at a batch that is damaged, and says where', async () => {
    const fileSystem = await closedLog();
    const second = fileSystem.readFileSync(SEGMENT).readInt32BE(8) + 12;
    fileSystem.flipBit(SEGMENT, second + 90);
    const entries = [];
    for await (const entry of dumpLog(fileSystem, SEGMENT)) entries.push(entry);
    expect(entries.map(({ type }) => type)).to.deep.equal(['file', 'batch', 'fault']);
    expect(entries.at(-1)).to.include({ position: second });
  });
});
