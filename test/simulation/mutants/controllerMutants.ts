/** Faults of what the controller and the brokers tell each other, and of ZooKeeper's watches. */

import type { Mutant } from './mutant.ts';

export const controllerMutants: readonly Mutant[] = [
  {
    name: 'watch-missed-on-reconnect',
    story:
      '(1) a session loses its connection, and with it its watches, (2) a broker or the controller ' +
      'dies, (3) the session connects again and reads nothing anew, (4) nobody hears of the death',
    patches: [
      {
        file: 'coordinator/zookeeper/session.ts',
        find: '    this.#watches.refreshAll();\n',
        replace: '    if (isNew) this.#watches.refreshAll();\n',
      },
    ],
    profile: {
      faults: ['coordinatorRestart', 'kill'],
      faultMeanMs: 1000,
      isDurable: true,
      brokerCount: 3,
    },
  },
  {
    name: 'stale-controller-accepted',
    story:
      '(1) a controller is cut from ZooKeeper and deposed, (2) the next one tells the ' +
      'brokers of a topic, (3) the deposed one pushes what it knows, (4) brokers go back to that',
    patches: [
      {
        file: 'broker/metadata/clusterImage.ts',
        find: "if (update.controllerEpoch < this.#controllerEpoch) return { kind: 'staleController' };",
        replace: '',
      },
    ],
    profile: {
      faults: ['isolateController'],
      faultMeanMs: 4000,
      faultyMs: 40_000,
      latencyMs: 80,
      isAdministered: true,
      isDurable: true,
      brokerCount: 3,
    },
  },
  {
    name: 'no-broker-epoch',
    story:
      'KIP-903: (1) a follower has caught up, its leader asks for it to be in sync, (2) the follower ' +
      'loses its power and what it had not synced, and registers anew, (3) the controller takes it ' +
      'in all the same',
    patches: [
      {
        file: 'coordinator/controller/isrChanges.ts',
        find: 'this.#context.servingEpoch(partition, id) === epoch &&',
        replace: '(this.#context.servingEpoch(partition, id) ?? -1) >= epoch &&',
      },
      {
        file: 'coordinator/controller/leaderElection.ts',
        find: 'state.isr.includes(id) ? (isrEpochs.get(id) ?? brokerEpoch) : brokerEpoch,',
        replace:
          'state.isr.includes(id) ? (isrEpochs.get(id) ?? brokerEpoch) : (rules.epochOf(id) ?? -1),',
      },
    ],
    profile: {
      faults: ['cutBetweenBrokers', 'strikeJoining'],
      faultMeanMs: 1200,
      faultyMs: 30_000,
      isDurable: false,
      brokerCount: 3,
      keepsIntactCopy: true,
      latencyMs: 20,
    },
  },
];
