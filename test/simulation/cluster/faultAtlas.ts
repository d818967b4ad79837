/**
 * Which machine may lose data now, so that an intact copy of what is committed always remains where
 * the program can know it.
 *
 * What a power loss takes of page caches, and a lost disk of everything, is gone for good; without
 * another copy nobody could keep the promise. The rule:
 *
 *     1  a machine loses data only where, for each partition that it may have to lead, another broker
 *        is in sync in the registration that ZooKeeper has of it now, runs, and reaches ZooKeeper
 *     2  from then on, until ZooKeeper no longer takes the machine for in sync (or eligible) in a
 *        registration from before, no other broker is struck by what ends a registration or may
 *
 * Why 2: (1) A loses its power, with it what it had not synced, and is back at once; (2) before the
 * controller sees the new registration, B is killed, too; (3) both are back in new registrations,
 * and one of them has everything: nobody can know which. Kafka would take either of the two.
 *
 * Topics with one replica, and `min.insync.replicas` of one with one replica left, have no such
 * copy: their machines lose nothing.
 */

import { type ControllerState, writtenState, writtenTopic } from '../invariants/controllerState.ts';
import type { Loss } from '../invariants/replicationInvariants.ts';
import { COORDINATOR_HOST } from '../kernel/index.ts';
import type { SimBroker } from './simBroker.ts';
import type { SimCluster } from './simCluster.ts';

export interface CopiedTopic {
  readonly name: string;
  /** Whether acknowledged means on disk: then a power loss takes nothing that counts. */
  readonly isDurable: boolean;
}

interface Harm {
  readonly loss: Loss;
  /** Last transaction before the machine can register again. */
  readonly zxid: number;
}

export class FaultAtlas {
  readonly #cluster: SimCluster;
  readonly #topics: readonly CopiedTopic[];
  readonly #harmed = new Map<number, Harm>();

  constructor(cluster: SimCluster, topics: readonly CopiedTopic[]) {
    this.#cluster = cluster;
    this.#topics = topics;
  }

  /** Whether a power loss takes nothing that counts. */
  get isAllDurable(): boolean {
    return this.#topics.every(({ isDurable }) => isDurable);
  }

  /** Whether every promise can still be kept when this machine loses data now. */
  mayLose(broker: SimBroker, loss: Loss): boolean {
    if (!this.mayEndRegistration(broker)) return false;
    return this.#concerned(loss).every((state) => {
      const { isr, elr, leader, replicas } = state;
      if (!replicas.includes(broker.id)) return true;
      if (![...isr, ...elr, leader].includes(broker.id)) return true;
      return isr.some((id) => id !== broker.id && this.#isIntact(id, state));
    });
  }

  /** Whether nobody depends on this broker's registration now. */
  mayEndRegistration(broker: SimBroker): boolean {
    for (const [id, harm] of this.#harmed) {
      if (!this.#isTakenForIntact(id, harm)) this.#harmed.delete(id);
    }
    return [...this.#harmed.keys()].every((id) => id === broker.id);
  }

  /** The machine loses data now. */
  onLoss({ id }: SimBroker, loss: Loss): void {
    const { lastZxid } = this.#cluster.simulation.coordinator;
    const worse = this.#harmed.get(id)?.loss === 'disk' ? 'disk' : loss;
    this.#harmed.set(id, { loss: worse, zxid: lastZxid });
  }

  /** Whether ZooKeeper names the machine as one that holds everything, which it no longer does. */
  #isTakenForIntact(id: number, { loss, zxid }: Harm): boolean {
    return this.#concerned(loss).some(({ isr, isrEpochs, elr, leader }) => {
      if (loss === 'disk' && elr.includes(id)) return true;
      return (isr.includes(id) || leader === id) && (isrEpochs[id] ?? -1) <= zxid;
    });
  }

  #isIntact(id: number, { isrEpochs }: ControllerState): boolean {
    const { network, coordinator } = this.#cluster.simulation;
    const broker = this.#cluster.brokers.find((each) => each.id === id);
    if (broker?.isReady !== true || broker.hasFailingDisk || this.#harmed.has(id)) return false;
    if (broker.node.process.state !== 'running') return false;
    const { name } = broker.node;
    const { links } = network;
    if (links.isCut(name, COORDINATOR_HOST) || links.isCut(COORDINATOR_HOST, name)) return false;
    return coordinator.isUp && coordinator.czxid(`/brokers/ids/${id}`) === isrEpochs[id];
  }

  /** The partitions of which such a loss takes something. */
  #concerned(loss: Loss): readonly ControllerState[] {
    const { coordinator } = this.#cluster.simulation;
    return this.#topics
      .filter(({ isDurable }) => loss === 'disk' || !isDurable)
      .flatMap(({ name }) =>
        (writtenTopic(coordinator, name)?.replicas ?? []).flatMap(
          (replicas, index) => writtenState(coordinator, name, { index, replicas }) ?? [],
        ),
      );
  }
}
