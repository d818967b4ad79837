import { expect } from 'chai';
import { CorruptionError, silentLogger } from '../../../../common/index.ts';
import {
  type RequestContext,
  type WriteRequest,
  ZnodeTree,
} from '../../../../coordinator/embedded/index.ts';
import { Journal } from '../../../../coordinator/embedded/journal.ts';
import { type CrashMode, SimFileSystem } from '../../../simulation/kernel/index.ts';
import { canonical } from './canonical.ts';

const DIRECTORY = '/data';
const SESSION = '0100000000000001';
const CRASH_MODES: readonly CrashMode[] = ['loseAllUnsynced', 'keepAll', 'random'];

/** Opens a session, then creates, changes and deletes; `count` transactions in all. */
function workload(count: number): WriteRequest[] {
  const requests: WriteRequest[] = [
    { type: 'createSession', timeoutMs: 1000, password: new Uint8Array(16) },
  ];
  for (let index = 1; requests.length < count; index += 1) {
    const path = `/n${index}`;
    const data = Buffer.alloc(40, String(index));
    requests.push({ type: 'create', path, data, ephemeral: index % 3 === 0 });
    requests.push({ type: 'setData', path, data: Buffer.from('changed'), version: 0 });
    const operations = [
      { type: 'check', path, version: 1 },
      { type: 'create', path: '/s-', data: null, sequential: true },
    ] as const;
    requests.push({ type: 'multi', operations });
    if (index % 2 === 0) requests.push({ type: 'delete', path, version: 1 });
  }
  return requests.slice(0, count);
}

function context(index: number): RequestContext {
  return { sessionId: SESSION, timeMs: 1_000 + index };
}

/** The tree after each prefix of the workload. */
function prefixes(requests: readonly WriteRequest[]): unknown[] {
  const tree = new ZnodeTree();
  const states = [canonical(tree.state)];
  for (const [index, request] of requests.entries()) {
    const reply = tree.apply(request, context(index));
    if (!reply.ok) throw new Error(`The workload is wrong: ${reply.error}`);
    states.push(canonical(tree.state));
  }
  return states;
}

function open(fileSystem: SimFileSystem, snapshotBytes = 1e9) {
  const seen = { durableZxid: 0, failure: undefined as unknown };
  const journal = new Journal({
    fileSystem,
    directory: DIRECTORY,
    logger: silentLogger,
    snapshotBytes,
    onDurable: (zxid) => {
      seen.durableZxid = zxid;
    },
    onFailure: (error) => {
      seen.failure = error;
    },
  });
  return { journal, seen };
}

/** Applies and appends requests from `first` on, flushing after every third. */
async function write(
  journal: Journal,
  requests: readonly WriteRequest[],
  first: number,
  settled: () => boolean = () => false,
): Promise<void> {
  for (let index = first; index < requests.length; index += 1) {
    const request = requests[index]!;
    const reply = journal.tree.apply(request, context(index));
    journal.append({ ...context(index), zxid: reply.zxid, request });
    if (index % 3 === 0) journal.flush();
    if (index % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (settled()) return;
  }
}

function newDisk(): SimFileSystem {
  return new SimFileSystem({ directories: [DIRECTORY] });
}

describe('the journal of the embedded coordinator', () => {
  const requests = workload(60);
  const states = prefixes(requests);

  it('brings everything back after an orderly end', async () => {
    const fileSystem = newDisk();
    const { journal } = open(fileSystem);
    await write(journal, requests, 0);
    await journal.close();
    const again = open(fileSystem.afterCrash('loseAllUnsynced'));
    expect(canonical(again.journal.tree.state)).to.deep.equal(states.at(-1));
  });

  it('goes on where it stopped, over many restarts and snapshots', async () => {
    let fileSystem = newDisk();
    for (let end = 7; end <= requests.length; end += 7) {
      const { journal } = open(fileSystem, 600);
      const from = journal.tree.lastZxid;
      expect(canonical(journal.tree.state)).to.deep.equal(states[from]);
      await write(journal, requests.slice(0, end), from);
      await journal.close();
      fileSystem = fileSystem.afterCrash('loseAllUnsynced');
    }
    expect(open(fileSystem).journal.tree.lastZxid).to.equal(56);
    const names = fileSystem.readDirectorySync(DIRECTORY);
    expect(names.filter((name) => name.startsWith('snapshot-'))).to.have.lengthOf(1);
    expect(names.filter((name) => name.startsWith('journal-')).length).to.be.lessThan(3);
  });

  it('loses nothing that was answered, and invents nothing, wherever it crashes', async () => {
    const whole = newDisk();
    const { journal } = open(whole, 700);
    await write(journal, requests, 0);
    await journal.close();
    const steps = whole.operationCount;
    expect(steps).to.be.greaterThan(60);
    for (let step = 0; step < steps; step += 1) {
      const fileSystem = newDisk();
      fileSystem.crashAfterOperations(step);
      const answered = await runUntilCrash(fileSystem, 700);
      for (const [seed, mode] of CRASH_MODES.entries()) {
        const { tree } = open(fileSystem.afterCrash(mode, step * 10 + seed)).journal;
        expect(tree.lastZxid, `step ${step}, ${mode}`).to.be.at.least(answered);
        expect(canonical(tree.state)).to.deep.equal(states[tree.lastZxid]);
      }
    }
  }).timeout(60_000);

  async function runUntilCrash(fileSystem: SimFileSystem, snapshotBytes: number): Promise<number> {
    let opened: ReturnType<typeof open>;
    try {
      opened = open(fileSystem, snapshotBytes);
    } catch {
      return 0;
    }
    const { journal, seen } = opened;
    await write(journal, requests, 0, () => seen.failure !== undefined);
    await journal.close();
    return seen.durableZxid;
  }

  it('takes a second crash during recovery as it takes the first', async () => {
    const first = newDisk();
    const { journal } = open(first);
    await write(journal, requests.slice(0, 30), 0);
    journal.flush();
    const torn = first.afterCrash('random', 3);
    for (let step = 0; step < 6; step += 1) {
      const again = torn.afterCrash('keepAll', step);
      again.crashAfterOperations(step);
      try {
        open(again);
      } catch {
        // Crashed within the recovery; what follows recovers from that.
      }
      const { tree } = open(again.afterCrash('random', step)).journal;
      expect(canonical(tree.state)).to.deep.equal(states[tree.lastZxid]);
    }
  });

  it('does not wait with a sync for one that is under way, but takes all that came meanwhile', async () => {
    const fileSystem = newDisk();
    const { journal, seen } = open(fileSystem);
    const before = fileSystem.operationCount;
    await write(journal, requests.slice(0, 2), 0);
    for (const [index, request] of requests.slice(2, 50).entries()) {
      const reply = journal.tree.apply(request, context(index + 2));
      journal.append({ ...context(index + 2), zxid: reply.zxid, request });
      journal.flush();
    }
    expect(seen.durableZxid).to.be.lessThan(50);
    await journal.close();
    expect(seen.durableZxid).to.equal(50);
    expect(fileSystem.operationCount - before).to.be.lessThan(10);
  });

  it('cuts off a torn tail', async () => {
    const fileSystem = newDisk();
    const { journal } = open(fileSystem);
    await write(journal, requests.slice(0, 10), 0);
    await journal.close();
    const [name] = fileSystem.readDirectorySync(DIRECTORY);
    const file = fileSystem.openSync(`${DIRECTORY}/${name}`, 'readWrite');
    const sizeBytes = file.sizeSync();
    file.truncateSync(sizeBytes - 5);
    const { tree } = open(fileSystem).journal;
    expect(canonical(tree.state)).to.deep.equal(states[9]);
    expect(file.sizeSync()).to.be.lessThan(sizeBytes - 5);
  });

  it('refuses to start where an answered transaction is damaged, and names the place', async () => {
    const fileSystem = newDisk();
    const { journal } = open(fileSystem);
    await write(journal, requests.slice(0, 30), 0);
    await journal.close();
    const [name] = fileSystem.readDirectorySync(DIRECTORY);
    fileSystem.flipBit(`${DIRECTORY}/${name}`, 150);
    expect(() => open(fileSystem))
      .to.throw(CorruptionError, /journal-0000000000000001" is damaged at byte \d+/)
      .with.property('code', 'JOURNAL_DAMAGED');
  });

  it('refuses to start with a damaged snapshot', async () => {
    const fileSystem = newDisk();
    const { journal } = open(fileSystem, 500);
    await write(journal, requests, 0);
    await journal.close();
    const name = fileSystem.readDirectorySync(DIRECTORY).find((file) => file.startsWith('snap'));
    fileSystem.flipBit(`${DIRECTORY}/${name}`, 100);
    expect(() => open(fileSystem))
      .to.throw(CorruptionError)
      .with.property('code', 'SNAPSHOT_DAMAGED');
  });

  it('refuses to start where a journal in between is missing', async () => {
    const fileSystem = newDisk();
    const { journal } = open(fileSystem, 500);
    await write(journal, requests, 0);
    await journal.close();
    for (const name of fileSystem.readDirectorySync(DIRECTORY)) {
      if (name.startsWith('snapshot-')) fileSystem.unlinkSync(`${DIRECTORY}/${name}`);
    }
    expect(() => open(fileSystem))
      .to.throw(CorruptionError)
      .with.property('code', 'JOURNAL_OUT_OF_STEP');
  });

  it('calls nothing durable any more once a sync has failed', async () => {
    const fileSystem = newDisk();
    const { journal, seen } = open(fileSystem);
    await write(journal, requests.slice(0, 10), 0);
    journal.flush();
    await new Promise((resolve) => setImmediate(resolve));
    const durable = seen.durableZxid;
    fileSystem.inject({ operation: 'datasync', error: 'EIO', dropDirty: true });
    await write(journal, requests, 10);
    await journal.close();
    expect(seen.durableZxid).to.equal(durable);
    expect(seen.failure).to.have.property('code', 'EIO');
  });

  it('reports a full disk', async () => {
    const fileSystem = new SimFileSystem({ directories: [DIRECTORY], capacityBytes: 1500 });
    const { journal, seen } = open(fileSystem);
    await write(journal, requests, 0);
    await journal.close();
    expect(seen.failure).to.have.property('code', 'ENOSPC');
    fileSystem.capacityBytes = Infinity;
    const { tree } = open(fileSystem.afterCrash('random')).journal;
    expect(tree.lastZxid).to.be.at.least(seen.durableZxid);
    expect(canonical(tree.state)).to.deep.equal(states[tree.lastZxid]);
  });
});
