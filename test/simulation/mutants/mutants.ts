/**
 * Faults of the program that were put in on purpose: the simulation must find each of them within
 * a few seeds. How many it takes is the honest measure of what it can see.
 */

import type { FaultKind } from '../cluster/faultPlan.ts';

export interface Mutant {
  readonly name: string;
  /** What goes wrong with it, step by step. */
  readonly story: string;
  /** Path from the root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Faults that bring it to light, struck often. */
  readonly faults: readonly FaultKind[];
}

export const mutants: readonly Mutant[] = [
  {
    name: 'acknowledge-before-fsync',
    story: '(1) append, (2) acknowledged, (3) power loss before the fdatasync, (4) record gone',
    file: 'broker/replica/partition.ts',
    find: 'completeUpTo(log.acknowledgesDurably ? log.durableOffset : log.writtenOffset);',
    replace: 'completeUpTo(log.writtenOffset);',
    faults: ['powerLoss', 'slowDisk'],
  },
  {
    name: 'high-watermark-before-fsync',
    story:
      '(1) append, (2) consumers read it, (3) power loss before the fdatasync, (4) record gone',
    file: 'broker/replica/leaderState.ts',
    find: 'return this.#log.acknowledgesDurably ? this.#log.durableOffset : this.#log.writtenOffset;',
    replace: 'return this.#log.writtenOffset;',
    faults: ['powerLoss', 'slowDisk'],
  },
  {
    name: 'no-fsync-of-names',
    story: '(1) a segment is rolled, (2) its bytes are synced, (3) power loss, (4) it has no name',
    file: 'broker/log/groupCommit.ts',
    find: 'await this.#syncDirectories(group);',
    replace: '',
    faults: ['powerLoss'],
  },
  {
    name: 'old-segment-not-synced',
    story: '(1) a group spans a roll, (2) only the new segment is synced, (3) a hole after a crash',
    file: 'broker/log/durability.ts',
    find: '[...this.#files, activeFile()]',
    replace: '[activeFile()]',
    faults: ['powerLoss', 'slowDisk'],
  },
  {
    name: 'capture-after-fsync',
    story: '(1) fdatasync begins, (2) more is written, (3) it ends and counts for that too',
    file: 'broker/log/partitionLog.ts',
    find: 'const hasMoved = this.#durability.complete(task);',
    replace:
      'const hasMoved = this.#durability.complete(task); this.#durability.raiseTo(this.#writtenOffset);',
    faults: ['powerLoss', 'slowDisk'],
  },
  {
    name: 'clean-marker-left',
    story: '(1) clean stop, (2) start, append, (3) power loss, (4) the torn tail is not scanned',
    file: 'broker/log/logDirectory.ts',
    find: 'fileSystem.unlinkSync(marker);',
    replace: '',
    faults: ['powerLoss', 'cleanRestart'],
  },
  {
    name: 'tail-not-scanned',
    story: '(1) power loss tears the unsynced tail, (2) recovery believes it, (3) it is served',
    file: 'broker/log/segmentScan.ts',
    find: "const fault = verifyBatch(bytes, at, { origin: 'log', end });",
    replace: 'const fault = undefined;',
    faults: ['powerLoss', 'slowDisk'],
  },
  {
    name: 'fsync-tried-again',
    story: '(1) an fdatasync fails, (2) the next one succeeds, (3) what the first lost is gone',
    file: 'broker/log/groupCommit.ts',
    find: `        this.stop();
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));`,
    replace: 'void error;',
    faults: ['failingSync', 'powerLoss'],
  },
  {
    name: 'metadata-before-the-first-snapshot',
    story: '(1) a broker starts, (2) it knows no topic yet, (3) it tells clients that none exists',
    file: 'broker/api/dispatcher.ts',
    find: 'if (image.version === 0)',
    replace: 'if (false)',
    faults: ['kill', 'coordinatorRestart'],
  },
];
