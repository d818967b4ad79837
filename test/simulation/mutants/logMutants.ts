/** Faults of the log and of what a broker alone does, found in mixed clusters. */

import type { Mutant } from './mutant.ts';

export const logMutants: readonly Mutant[] = [
  {
    name: 'acknowledge-before-fsync',
    story: '(1) append, (2) acknowledged, (3) power loss before the fdatasync, (4) record gone',
    patches: [
      {
        file: 'broker/replica/partition.ts',
        find: 'completeUpTo(log.acknowledgesDurably ? log.durableOffset : log.writtenOffset);',
        replace: 'completeUpTo(log.writtenOffset);',
      },
    ],
    profile: { faults: ['powerLoss', 'slowDisk'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'high-watermark-before-fsync',
    story:
      '(1) append, (2) consumers read it, (3) power loss before the fdatasync, (4) record gone',
    patches: [
      {
        file: 'broker/replica/leaderState.ts',
        find: 'return this.#log.acknowledgesDurably ? this.#log.durableOffset : this.#log.writtenOffset;',
        replace: 'return this.#log.writtenOffset;',
      },
    ],
    profile: { faults: ['powerLoss', 'slowDisk'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'no-fsync-of-names',
    story: '(1) a segment is rolled, (2) its bytes are synced, (3) power loss, (4) it has no name',
    patches: [
      {
        file: 'broker/log/groupCommit.ts',
        find: 'await this.#syncDirectories(group);',
        replace: '',
      },
    ],
    profile: { faults: ['powerLoss'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'old-segment-not-synced',
    story: '(1) a group spans a roll, (2) only the new segment is synced, (3) a hole after a crash',
    patches: [
      {
        file: 'broker/log/durability.ts',
        find: '[...this.#files, activeFile()]',
        replace: '[activeFile()]',
      },
    ],
    profile: { faults: ['powerLoss', 'slowDisk'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'capture-after-fsync',
    story: '(1) fdatasync begins, (2) more is written, (3) it ends and counts for that too',
    patches: [
      {
        file: 'broker/log/partitionLog.ts',
        find: 'const hasMoved = this.#durability.complete(task);',
        replace:
          'const hasMoved = this.#durability.complete(task); this.#durability.raiseTo(this.#writtenOffset);',
      },
    ],
    profile: { faults: ['powerLoss', 'slowDisk'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'clean-marker-left',
    story: '(1) clean stop, (2) start, append, (3) power loss, (4) the torn tail is not scanned',
    patches: [
      {
        file: 'broker/log/logDirectory.ts',
        find: 'fileSystem.unlinkSync(marker);',
        replace: '',
      },
    ],
    profile: { faults: ['powerLoss', 'cleanRestart'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'tail-not-scanned',
    story: '(1) power loss tears the unsynced tail, (2) recovery believes it, (3) it is served',
    patches: [
      {
        file: 'broker/log/segmentScan.ts',
        find: "const fault = verifyBatch(bytes, at, { origin: 'log', end });",
        replace: 'const fault = undefined;',
      },
    ],
    profile: { faults: ['powerLoss', 'slowDisk'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'fsync-tried-again',
    story: '(1) an fdatasync fails, (2) the next one succeeds, (3) what the first lost is gone',
    patches: [
      {
        file: 'broker/log/groupCommit.ts',
        find: `        this.stop();
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));`,
        replace: 'void error;',
      },
    ],
    profile: { faults: ['failingSync', 'powerLoss'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'metadata-before-the-first-snapshot',
    story: '(1) a broker starts, (2) it knows no topic yet, (3) it tells clients that none exists',
    patches: [
      {
        file: 'broker/api/dispatcher.ts',
        find: 'if (image.version === 0)',
        replace: 'if (false)',
      },
    ],
    profile: { faults: ['kill', 'coordinatorRestart'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'index-trusted-after-a-crash',
    story:
      '(1) a segment is rolled, its indexes are written and not synced, (2) power loss, (3) recovery ' +
      'reads the batches and believes the indexes, of which a part is gone',
    patches: [
      {
        file: 'broker/log/partitionLoader.ts',
        find: '    segment.removeIndexFiles();\n    if (next === undefined) return true;\n',
        replace: '    if (next === undefined) { segment.removeIndexFiles(); return true; }\n',
      },
      {
        file: 'broker/log/partitionLoader.ts',
        find: 'if (isWhole) this.#writeIndexes(segment);',
        replace:
          'if (isWhole && segment.loadIndexesSync()) segment.unload(); ' +
          'else if (isWhole) this.#writeIndexes(segment);',
      },
    ],
    profile: {
      faults: ['powerLoss'],
      faultMeanMs: 1500,
      isDurable: true,
      configs: { 'segment.bytes': '4096', 'index.interval.bytes': '256' },
    },
  },
];
