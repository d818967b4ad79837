/** The ladder of bugs that this design of replication has had elsewhere. */

import type { Mutant } from './mutant.ts';

const CRASHES = { faults: ['kill', 'powerLoss', 'slowDisk'], faultMeanMs: 700 } as const;
/** Leaders come back in a new epoch, and find others ahead. */
const RETURNS = {
  faults: ['expire', 'cutFromClients', 'cutBetweenBrokers'],
  faultMeanMs: 250,
  isDurable: true,
  brokerCount: 2,
} as const;
const PARTITION = 'broker/replica/partition.ts';
const LEADER_STATE = 'broker/replica/leaderState.ts';

export const replicationMutants: readonly Mutant[] = [
  {
    name: 'truncate-to-high-watermark',
    story:
      'KIP-101: (1) a follower restarts before it knows the high watermark, (2) cuts its log to the ' +
      'one it has, (3) its leader dies, (4) it leads without what was acknowledged',
    patches: [
      {
        file: PARTITION,
        find: 'if (!leads) {\n',
        replace:
          'if (!leads) { if (newLeadership) this.log.truncateTo(this.log.highWatermark).catch(() => 0);\n',
      },
    ],
    profile: { ...CRASHES, isDurable: true },
  },
  {
    name: 'no-iteration',
    story:
      'KIP-279: (1) two fail-overs, (2) the leader does not know the last epoch of a follower, ' +
      '(3) the follower cuts once, where that leader says, and keeps records that nobody else has',
    patches: [
      {
        file: PARTITION,
        find: 'const parts = end.epoch !== fetch.lastFetchedEpoch || end.endOffset < fetch.fetchOffset;',
        replace: 'const parts = end.endOffset < fetch.fetchOffset;',
      },
      {
        file: 'broker/replica/truncation.ts',
        find: 'if (leader.divergingEpoch !== -1) return byEpoch(log, leader);',
        replace:
          'if (leader.divergingEpoch !== -1) return truncateTo(log, leader.divergingEndOffset); void byEpoch;',
      },
    ],
    profile: { ...CRASHES, isDurable: true, faultMeanMs: 400, brokerCount: 2 },
  },
  {
    name: 'no-truncation-when-the-leader-returns',
    story:
      'KAFKA-7164: (1) a leader loses what its follower has, (2) it leads again in a higher epoch, ' +
      '(3) the follower sees the same leader and does not compare',
    patches: [
      {
        file: 'broker/replica/leaderFetcher.ts',
        find: 'lastFetchedEpoch: log.latestEpoch,',
        replace:
          'lastFetchedEpoch: (() => { const seen = ((globalThis as any).seen ??= new Map()); ' +
          'const same = seen.get(partition) === partition.leader; ' +
          'seen.set(partition, partition.leader); ' +
          'return same ? -1 : log.latestEpoch; })(),',
      },
    ],
    profile: RETURNS,
  },
  {
    name: 'no-epoch-in-fetch',
    story:
      'KIP-320: (1) a follower has a record that its new leader lacks, (2) its fetch does not say of ' +
      'which epoch, (3) it goes on behind it',
    patches: [
      { file: PARTITION, find: 'if (fetch.lastFetchedEpoch < 0)', replace: 'if (fetch.id >= 0)' },
    ],
    profile: RETURNS,
  },
  {
    name: 'maximal-isr-forgets-who-leaves',
    story:
      'KIP-497: (1) a leader proposes to drop a follower, (2) counts without it at once, (3) the ' +
      'controller has not written it yet and elects the follower',
    patches: [
      {
        file: LEADER_STATE,
        find: 'return this.#isr.includes(id) || (this.#proposed?.includes(id) ?? false);',
        replace: 'return (this.#proposed ?? this.#isr).includes(id);',
      },
    ],
    profile: {
      faults: ['cutBetweenBrokers', 'cutFromCoordinator', 'freeze'],
      faultMeanMs: 700,
      isDurable: true,
      brokerCount: 3,
    },
  },
  {
    name: 'maximal-isr-forgets-who-joins',
    story:
      'KIP-497: (1) a leader proposes to add a follower, (2) counts without it until the answer ' +
      'comes, (3) the controller has written it: the follower may be elected, and lacks records',
    patches: [
      {
        file: LEADER_STATE,
        find: 'return this.#mayBeInSync(id) || joins;',
        replace: 'void joins; return this.#isr.includes(id);',
      },
    ],
    profile: {
      faults: ['kill', 'delayJoining'],
      faultMeanMs: 700,
      isDurable: true,
      brokerCount: 3,
      latencyMs: 10,
    },
  },
  {
    name: 'first-try-of-kip-320',
    story:
      'KIP-320: (1) elections in a row, (2) the new leader does not ask of which epoch a follower ' +
      'speaks, and takes those in sync for as far as they were under the leader before, (3) moves ' +
      'the high watermark, (4) a follower that lacked the end is elected',
    patches: [
      {
        file: PARTITION,
        find: 'const leading = this.#checkLeader(fetch.leaderEpoch);',
        replace: 'const leading = this.#checkLeader(-1);',
      },
      {
        file: PARTITION,
        find: 'if (leading === undefined || epoch !== this.leaderEpoch) return;',
        replace: 'if (leading === undefined) return;',
      },
      {
        file: PARTITION,
        find: 'if (leading === undefined || fetch.leaderEpoch !== this.leaderEpoch) return false;',
        replace: 'if (leading === undefined) return false;',
      },
      {
        file: LEADER_STATE,
        find: '      logEndOffset: -1,\n      durableOffset: -1,\n',
        replace:
          '      logEndOffset: this.#isr.includes(id) ? this.#epochStartOffset : -1,\n' +
          '      durableOffset: this.#isr.includes(id) ? this.#epochStartOffset : -1,\n',
      },
    ],
    profile: { ...CRASHES, isDurable: true, brokerCount: 3 },
  },
  {
    name: 'high-watermark-below-min-isr',
    story:
      'KIP-966: (1) the ISR falls to the leader, (2) consumers read on, (3) the leader is the only ' +
      'one that has what they read',
    patches: [
      {
        file: PARTITION,
        find: 'if (leading.isr.length < this.effectiveMinInsyncReplicas) return;',
        replace: '',
      },
    ],
    profile: { faults: ['kill', 'freeze', 'cutBetweenBrokers'], faultMeanMs: 700, isDurable: true },
  },
  {
    name: 'high-watermark-before-the-followers-disk',
    story:
      '(1) a follower has a record in its page cache, (2) it is acknowledged, (3) leader and follower ' +
      'lose power',
    patches: [
      {
        file: LEADER_STATE,
        find: 'return this.#log.acknowledgesDurably ? follower.durableOffset : follower.logEndOffset;',
        replace: 'return follower.logEndOffset;',
      },
    ],
    profile: { ...CRASHES, isDurable: true },
  },
  {
    name: 'read-beyond-the-high-watermark',
    story:
      '(1) an append wakes consumers, who read it, (2) its leader dies, (3) the next one gives its ' +
      'offset to another record',
    patches: [
      {
        file: PARTITION,
        find: '      endOffset: this.highWatermark,\n',
        replace: '      endOffset: this.log.writtenOffset,\n',
      },
    ],
    profile: { ...CRASHES, isDurable: true, faultMeanMs: 400 },
  },
  {
    name: 'high-watermark-above-the-log',
    story:
      '(1) a follower lacks what its leader has committed, (2) takes over the high watermark of the ' +
      'leader all the same, (3) serves what it does not have',
    patches: [
      {
        file: PARTITION,
        find: 'Math.min(fetched.highWatermark, this.log.writtenOffset)',
        replace: 'fetched.highWatermark',
      },
    ],
    profile: { ...CRASHES, isDurable: true, hasSmallFetches: true },
  },
  {
    name: 'controller-writes-unchecked',
    story:
      'KAFKA-6082: (1) a controller is paused and deposed, (2) another one is elected and writes, ' +
      '(3) the first wakes and writes over it',
    patches: [
      {
        file: 'coordinator/controller/partitionLeaders.ts',
        find: "return { operations: [{ type: 'setData', path, data, version }], purpose };",
        replace: "return { operations: [{ type: 'setData', path, data, version: -1 }], purpose };",
      },
      {
        file: 'coordinator/controller/checkedWriter.ts',
        find: 'version: this.#options.epochVersion,\n',
        replace: 'version: -1,\n',
      },
    ],
    profile: {
      faults: ['deposeController', 'kill', 'cutBetweenBrokers'],
      faultMeanMs: 500,
      isDurable: true,
      brokerCount: 3,
    },
  },
  {
    name: 'leader-returns-in-its-old-epoch',
    story:
      '(1) a leader registers anew, (2) the controller tells it to lead before its new epoch is ' +
      'written, (3) two records stand at one offset in one epoch',
    patches: [
      {
        file: 'coordinator/controller/metadataView.ts',
        find: 'leader: isAnew ? NO_BROKER : leader,',
        replace: 'leader,',
      },
    ],
    profile: { ...CRASHES, isDurable: true },
  },
  {
    name: 'topic-recreated-with-old-data',
    story:
      'KIP-516: (1) a broker says that a deleted topic is gone, and keeps its files, (2) the topic is ' +
      'made anew under its name, (3) the broker takes the old records for the new ones',
    patches: [
      {
        file: 'broker/replica/replicaManager.ts',
        find: 'if (found?.topicId !== undefined && found.topicId !== topic.topicId) {',
        replace: 'if (found === null) {',
      },
      {
        file: 'broker/replica/replicaManager.ts',
        find: 'if (log === undefined || log.topicId !== topic.topicId) continue;',
        replace: 'if (log !== null) continue;',
      },
      {
        file: 'broker/log/logManager.ts',
        find: 'this.#checkTopicId(existing, topicId);',
        replace: 'void this.#checkTopicId;',
      },
    ],
    profile: { faults: ['kill', 'powerLoss', 'freeze'], faultMeanMs: 500, isMixed: true },
  },
  {
    name: 'receive-buffer-slice-retained',
    story:
      '(1) a produce request is a view of the receive buffer, (2) it is written later than in its ' +
      'turn, (3) the next request stands in its place',
    patches: [
      {
        file: 'broker/api/dispatcher.ts',
        find: 'this.#parts.flushTurn();',
        replace:
          'let left = 200; const later = (): void => { left -= 1; ' +
          'if (left > 0) setImmediate(later); else this.#parts.flushTurn(); }; later();',
      },
    ],
    profile: { faults: ['reset'], faultMeanMs: 2000, isDurable: true },
  },
];
