/** Faults by which producers get duplicates, gaps or another order, and consumers sleep. */

import type { Mutant } from './mutant.ts';

const PARTITION = 'broker/replica/partition.ts';
const PARTITION_LOG = 'broker/log/partitionLog.ts';

export const producerMutants: readonly Mutant[] = [
  {
    name: 'duplicate-after-a-leader-change',
    story:
      '(1) a batch is committed, its answer is lost, (2) its leader dies, (3) the next one knows ' +
      'nothing of the producers, since it was told of them by replication, (4) the retry stands twice',
    patches: [
      {
        file: PARTITION_LOG,
        find: '      this.#addPending(pending, partitionLeaderEpoch);\n',
        replace:
          '      (pending as any).isReplicated = true; this.#addPending(pending, partitionLeaderEpoch);\n',
      },
      {
        file: PARTITION_LOG,
        find: 'this.#producers.note(this.#batch.at(pending.bytes, 0));',
        replace:
          'if (!(pending as any).isReplicated) this.#producers.note(this.#batch.at(pending.bytes, 0));',
      },
    ],
    profile: {
      faults: ['kill', 'expire', 'cutFromClients', 'reset'],
      faultMeanMs: 500,
      isDurable: true,
    },
  },
  {
    name: 'producer-state-kept-over-a-truncation',
    story:
      '(1) a follower takes a batch, (2) and cuts it off, since its next leader lacks it, (3) it still ' +
      'remembers the batch, leads, and acknowledges its retry as a repetition',
    patches: [
      {
        file: PARTITION_LOG,
        find: 'await this.#reloadProducers();',
        replace: 'void this.#reloadProducers;',
      },
    ],
    profile: {
      faults: ['expire', 'cutFromClients', 'cutBetweenBrokers'],
      faultMeanMs: 250,
      isDurable: true,
      brokerCount: 2,
    },
  },
  {
    name: 'producer-state-lost-by-a-truncation',
    story:
      '(1) a follower cuts its log, (2) and forgets all its producers, (3) it leads, (4) the retry of ' +
      'a batch that stands below the cut stands twice',
    patches: [
      {
        file: PARTITION_LOG,
        find: 'await this.#reloadProducers();',
        replace: 'this.#producers.reset(); void this.#reloadProducers;',
      },
    ],
    profile: {
      faults: ['expire', 'cutFromClients', 'cutBetweenBrokers'],
      faultMeanMs: 250,
      isDurable: true,
      brokerCount: 2,
    },
  },
  {
    name: 'produce-waits-before-the-append',
    story:
      '(1) two requests follow each other on a connection, (2) the first waits for something, an ' +
      'authorisation for example, before its append, (3) the second stands before it',
    patches: [
      {
        file: 'broker/api/produce.ts',
        find: 'produce.appendAll(body.topics, body.acks);',
        replace:
          'const topics = body.topics.map((topic) => ({ ...topic, partitions: topic.partitions.map(' +
          '(one) => ({ ...one, records: Uint8Array.from(one.records as Uint8Array) })) })); ' +
          'const counted = globalThis as unknown as { produced?: number }; ' +
          'counted.produced = (counted.produced ?? 0) + 1; ' +
          'const append = () => produce.appendAll(topics, body.acks as 0); ' +
          'if (counted.produced % 7 > 0) append(); ' +
          'else this.#parts.purgatory.add({ expire: append }, 5);',
      },
    ],
    profile: { faults: ['reset'], faultMeanMs: 5000, isDurable: true, isPipelined: true },
  },
  {
    name: 'consumers-woken-by-the-append',
    story:
      '(1) an append wakes a consumer that waits, (2) there is nothing to read below the high ' +
      'watermark, it waits on, (3) the high watermark moves and wakes nobody',
    patches: [
      {
        file: PARTITION,
        find: '    this.#wakeFollowers();\n    this.#advance();\n',
        replace: '    this.#wakeFollowers();\n    this.#wakeConsumers();\n    this.#advance();\n',
      },
      {
        file: PARTITION,
        find: '    this.#onWholeIsr.completeUpTo(safe);\n    this.#wakeConsumers();\n',
        replace: '    this.#onWholeIsr.completeUpTo(safe);\n',
      },
    ],
    profile: { faults: ['reset'], faultMeanMs: 5000, isDurable: true },
  },
];
