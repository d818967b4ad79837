/**
 * Controllers under everything at once: brokers killed, cut off, expired and started again, writes
 * whose answers are lost, while topics come and go. In the end all must agree.
 */

import { expect } from 'chai';
import { errorName } from '../../protocol/index.ts';
import {
  createRequest,
  deleteRequest,
  SimCluster,
} from '../unit/coordinator/support/simCluster.ts';
import type { SimRandom } from './kernel/index.ts';

const BROKERS = [1, 2, 3];
const TOPICS = ['a', 'b', 'c', 'd', 'e'];

interface StateJson {
  readonly controller_epoch: number;
  readonly leader: number;
  readonly leader_epoch: number;
}

class Chaos {
  readonly cluster: SimCluster;
  readonly #random: SimRandom;
  /** The last state seen, by topic id and partition. */
  readonly #lastStates = new Map<string, StateJson>();
  /** Requests that were answered without an error: else nothing was tested. */
  successes = 0;

  constructor(seed: number) {
    this.cluster = new SimCluster({ seed });
    this.#random = this.cluster.simulation.random.fork('chaos');
  }

  async run(steps: number): Promise<void> {
    for (const id of BROKERS) await this.cluster.start(id);
    this.cluster.simulation.coordinator.lossProbability = 0.02;
    for (let step = 0; step < steps; step++) {
      await this.#fault();
      this.#request();
      for (let i = 0; i < 20; i++) {
        await this.cluster.pass(this.#random.below(200));
        this.#checkStates();
      }
    }
    this.cluster.simulation.coordinator.lossProbability = 0;
    for (const id of BROKERS) {
      this.cluster.brokers.get(id)?.node.thaw();
      this.cluster.simulation.network.heal(`broker-${id}`, 'coordinator');
      if (!this.cluster.brokers.has(id)) await this.cluster.start(id);
    }
    await this.cluster.pass(30_000);
    await this.cluster.controller();
    await this.cluster.pass(30_000);
    this.#checkStates();
  }

  async #fault(): Promise<void> {
    const id = BROKERS[this.#random.below(BROKERS.length)] ?? 1;
    const { network, coordinator } = this.cluster.simulation;
    const isUp = this.cluster.brokers.has(id);
    const node = this.cluster.brokers.get(id)?.node;
    switch (this.#random.below(9)) {
      case 0:
        if (isUp && this.cluster.brokers.size > 1) this.cluster.kill(id);
        break;
      case 1:
        coordinator.expireSessions(`broker-${id}`);
        break;
      case 2:
        coordinator.disconnect(`broker-${id}`);
        break;
      case 3:
        network.cut(`broker-${id}`, 'coordinator');
        break;
      case 4:
      case 5:
        // Longer than its session lives: it wakes as a controller that is none any more.
        node?.freeze();
        break;
      default:
        node?.thaw();
        network.heal(`broker-${id}`, 'coordinator');
        if (!isUp) await this.cluster.start(id);
    }
  }

  #request(): void {
    const name = TOPICS[this.#random.below(TOPICS.length)] ?? 'a';
    const active = [...this.cluster.brokers.values()].find(({ controller }) => controller.active);
    if (active === undefined) return;
    const { controller } = active;
    const answer =
      this.#random.below(3) > 0
        ? controller.createTopics(createRequest(name, { partitions: 4 }))
        : controller.deleteTopics(deleteRequest(name));
    answer.then(
      ({ topics }) => {
        if (topics[0]?.errorCode === 0) this.successes += 1;
      },
      // Not the controller any more, or out of reach: as it should.
      () => undefined,
    );
  }

  /** Leader epochs only grow, and a controller that was deposed writes no state any more. */
  #checkStates(): void {
    const epoch = Number(this.cluster.simulation.coordinator.data('/controller_epoch') ?? 0);
    for (const { key, state } of this.states()) {
      const before = this.#lastStates.get(key);
      expect(state.controller_epoch, key).to.be.within(before?.controller_epoch ?? 0, epoch);
      expect(state.leader_epoch, key).to.be.at.least(before?.leader_epoch ?? 0);
      this.#lastStates.set(key, state);
    }
  }

  states(): { key: string; topic: string; partition: number; state: StateJson }[] {
    return this.cluster.paths('/brokers/topics/').flatMap((path) => {
      const match = /^\/brokers\/topics\/([^/]+)\/partitions\/(\d+)\/state$/.exec(path);
      if (match === null) return [];
      const [, topic = '', partition = ''] = match;
      const { topic_id: id } = this.cluster.json(`/brokers/topics/${topic}`) as {
        topic_id: string;
      };
      const state = this.cluster.json(path) as StateJson;
      return [{ key: `${id}-${partition}`, topic, partition: Number(partition), state }];
    });
  }
}

describe('Controllers in chaos', function () {
  this.timeout(60_000);

  for (let seed = 1; seed <= 12; seed++) {
    it(`agree with ZooKeeper and their brokers in the end (seed ${seed})`, async () => {
      const chaos = new Chaos(seed);
      const { cluster } = chaos;
      await chaos.run(40);
      expect(chaos.successes).to.be.greaterThan(0);
      const active = [...cluster.brokers.values()].filter(({ controller }) => controller.active);
      expect(active.map(({ id }) => id)).to.have.lengthOf(1);
      expect(cluster.paths('/admin/delete_topics/')).to.deep.equal([]);

      const topics = cluster
        .paths('/brokers/topics/')
        .filter((path) => path.split('/').length === 4);
      const names = topics.map((path) => path.slice('/brokers/topics/'.length));
      const configs = cluster.paths('/config/topics/').map((path) => path.slice(15));
      expect(configs).to.deep.equal(names);
      const states = chaos.states();
      expect(states).to.have.lengthOf(names.length * 4);
      for (const { key, state } of states) expect(state.leader, key).to.be.oneOf(BROKERS);

      for (const id of BROKERS) {
        const image = cluster.fakes.get(id);
        expect([...image.topics.keys()].sort(), `broker ${id}`).to.deep.equal(names);
        expect(image.brokers.map((broker) => broker.id)).to.deep.equal(BROKERS);
        for (const { topic, partition, state } of states) {
          const seen = image.topics.get(topic)?.partitions[partition];
          expect(seen?.leader).to.equal(state.leader);
          expect(seen?.leaderEpoch).to.equal(state.leader_epoch);
        }
      }
      const controller = active[0]?.controller;
      for (const name of TOPICS) {
        const again = await cluster.settle(controller!.createTopics(createRequest(name)));
        const expected = names.includes(name) ? 'TOPIC_ALREADY_EXISTS' : 'NONE';
        expect(errorName(again.topics[0]?.errorCode ?? -1)).to.equal(expected);
      }
    });
  }
});
