/**
 * Who leads each partition: elections, their way into ZooKeeper, and what to do when it refuses.
 *
 * Invariant: of each partition at most one write or re-read is under way (`busy`), so what is
 * decided next is decided on what stands in ZooKeeper.
 */

import { assert, type CoordinatorWrite } from '../../common/index.ts';
import { partitionStateZnode, type ReplicaRegistration } from '../znodes/index.ts';
import type { LoadedState, PartitionModel, TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { UnitResult, WritePurpose, WriteUnit } from './controllerEvents.ts';
import { changeIsr, type Election, type ElectionKind, electLeader } from './leaderElection.ts';

type StatePurpose = Extract<WritePurpose, { kind: 'state' }>;

type Outcome = (result: UnitResult) => void;

export class PartitionLeaders {
  readonly #context: ControllerContext;
  readonly #steadyListeners: ((topic: TopicModel, partition: PartitionModel) => void)[] = [];

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Called where a partition was looked at and needs no other state. */
  onSteady(listener: (topic: TopicModel, partition: PartitionModel) => void): void {
    this.#steadyListeners.push(listener);
  }

  /** Elects where it is needed and possible, and starts what has no state yet. */
  electAll(topic: TopicModel): void {
    const missing = topic.partitions.every(({ version }) => version === -1);
    const units = topic.partitions.flatMap((partition) => this.#elect(topic, partition));
    // The first states of a topic need the znode above them; it is empty and may stand already.
    if (missing && units.length > 0) this.#context.write(partitionsParent(topic.name));
    for (const unit of units) this.#context.write(unit);
  }

  /** As `electAll`, for one partition. */
  elect(topic: TopicModel, partition: PartitionModel): void {
    for (const unit of this.#elect(topic, partition)) this.#context.write(unit);
  }

  #elect(topic: TopicModel, partition: PartitionModel): WriteUnit[] {
    if (partition.busy || partition.problem !== undefined || topic.deletion !== undefined)
      return [];
    const { state, isrEpochs, renew } = partition;
    const found = electLeader(partition, this.#context.electionRules(topic, partition));
    if (found !== undefined) return [this.#unit(topic, partition, found)];
    if (renew && state !== undefined) {
      const { controllerEpoch } = this.#context.options;
      const next = { ...state, controllerEpoch };
      return [this.#unit(topic, partition, { next, isrEpochs, unclean: false })];
    }
    for (const listener of this.#steadyListeners) listener(topic, partition);
    return [];
  }

  /** Calls when no write of the partition's state is under way; at once where there is none. */
  whenIdle(partition: PartitionModel, run: () => void): void {
    if (partition.busy) partition.waiting.push(run);
    else run();
  }

  /**
   * An election that somebody asks for. The partition must not be busy.
   *
   * @returns whether there is anything to write; `onDone` hears of the outcome then.
   */
  electAs(
    kind: ElectionKind,
    topic: TopicModel,
    partition: PartitionModel,
    onDone: Outcome,
  ): boolean {
    const rules = this.#context.electionRules(topic, partition, kind);
    const found = electLeader(partition, rules);
    if (found === undefined) return false;
    this.#context.write(this.#unit(topic, partition, found, onDone));
    return true;
  }

  /** Writes another ISR for the leader that stands. The partition must not be busy. */
  writeIsr(
    topic: TopicModel,
    partition: PartitionModel,
    change: { readonly isr: readonly ReplicaRegistration[]; readonly onDone: Outcome },
  ): void {
    const { state } = partition;
    assert(state !== undefined, 'An ISR changes where there is one', { topic: topic.name });
    const rules = this.#context.electionRules(topic, partition);
    const changed = changeIsr({ ...partition, state }, rules, change.isr);
    this.#context.write(this.#unit(topic, partition, changed, change.onDone));
  }

  /** Nobody outside of the ISR is eligible any more. The partition must not be busy. */
  clearEligible(topic: TopicModel, partition: PartitionModel, onDone: Outcome): void {
    const { state, isrEpochs } = partition;
    assert(state !== undefined, 'Eligible replicas stand in a state', { topic: topic.name });
    const { elr: _elr, ...rest } = state;
    const next = { ...rest, controllerEpoch: this.#context.options.controllerEpoch };
    const cleared = { next, isrEpochs, unclean: false };
    this.#context.write(this.#unit(topic, partition, cleared, onDone));
  }

  #unit(
    topic: TopicModel,
    partition: PartitionModel,
    decided: Election,
    onDone?: Outcome,
  ): WriteUnit {
    assert(!partition.busy, 'One write of a state at a time', {
      topic: topic.name,
      partition: partition.index,
    });
    const { renew } = partition;
    partition.busy = true;
    partition.renew = false;
    return stateUnit(topic.name, partition, {
      ...decided,
      renewed: renew,
      ...(onDone === undefined ? {} : { onDone }),
    });
  }

  onWritten(purpose: StatePurpose, result: UnitResult): void {
    this.#onWritten(purpose, result);
    purpose.onDone?.(result);
  }

  #onWritten(purpose: StatePurpose, result: UnitResult): void {
    const topic = this.#context.topics.get(purpose.topic);
    const partition = topic?.partitions[purpose.partition];
    if (topic === undefined || partition === undefined) return;
    if (result.ok) {
      partition.busy = false;
      partition.state = purpose.next;
      partition.isrEpochs = purpose.isrEpochs;
      partition.version = purpose.version;
      this.#context.touch(topic, partition);
      if (purpose.unclean) this.#sayUnclean(topic, partition);
      // Brokers may have come or gone since this was decided.
      this.#goOn(topic, partition);
      return;
    }
    if (result.code === 'NODE_EXISTS' && result.failedIndex === 0 && purpose.version === 0) {
      // The znode above the state stands already: Kafka makes the two one after the other.
      this.#context.write({ operations: [stateCreation(purpose)], purpose });
      return;
    }
    this.#context.say('warn', 'A partition state could not be written', {
      topic: topic.name,
      partition: partition.index,
      code: result.code,
      error: result.message,
    });
    partition.renew ||= purpose.renewed;
    if (['BAD_VERSION', 'NODE_EXISTS', 'NO_NODE'].includes(result.code)) {
      // Somebody else wrote it. What stands there now decides.
      partition.refused = true;
      this.#context.emit({ type: 'readState', topic: topic.name, partition: partition.index });
      return;
    }
    partition.busy = false;
    partition.problem = result.message;
    this.#goOn(topic, partition);
  }

  onRead(topicName: string, index: number, loaded: LoadedState): void {
    const topic = this.#context.topics.get(topicName);
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined) return;
    partition.busy = false;
    const { version, refused } = partition;
    partition.refused = false;
    if (loaded.kind === 'damaged') {
      if (partition.problem === loaded.problem) {
        this.#goOn(topic, partition);
        return;
      }
      partition.problem = loaded.problem;
      partition.state = undefined;
      this.sayDamaged(topic, partition);
      this.#context.touch(topic, partition);
      this.#goOn(topic, partition);
      return;
    }
    partition.state = loaded.kind === 'state' ? loaded.state : undefined;
    if (partition.state !== undefined) {
      partition.isrEpochs = this.#context.knownEpochs(partition, partition.state);
    }
    partition.version = loaded.kind === 'state' ? loaded.version : -1;
    // Writing again what was refused, on top of the same version, would be refused again: that
    // waits for the next tick.
    const unchanged = refused && partition.version === version;
    partition.problem = unchanged ? 'ZooKeeper refuses to write the state' : undefined;
    if (partition.version !== version) this.#context.touch(topic, partition);
    this.#goOn(topic, partition);
  }

  /** No write of the state is under way: elects where needed, then whoever waited has its turn. */
  #goOn(topic: TopicModel, partition: PartitionModel): void {
    this.elect(topic, partition);
    for (const run of partition.waiting.splice(0)) this.whenIdle(partition, run);
  }

  #sayUnclean(topic: TopicModel, partition: PartitionModel): void {
    this.#context.uncleanElections += 1;
    this.#context.say('warn', 'Unclean election: acknowledged records may be lost', {
      topic: topic.name,
      partition: partition.index,
      leader: partition.state?.leader,
    });
  }

  sayDamaged(topic: TopicModel, partition: PartitionModel): void {
    this.#context.say('error', 'A partition is out of use: its state cannot be understood', {
      topic: topic.name,
      partition: partition.index,
      problem: partition.problem,
    });
  }

  /** What could not be read or written is looked at again. */
  retry(topic: TopicModel): void {
    for (const partition of topic.partitions) {
      if (partition.problem === undefined || partition.busy) continue;
      partition.busy = true;
      this.#context.emit({ type: 'readState', topic: topic.name, partition: partition.index });
    }
  }
}

function stateUnit(
  topic: string,
  { index, version }: PartitionModel,
  decided: Pick<StatePurpose, 'next' | 'isrEpochs' | 'unclean' | 'renewed' | 'onDone'>,
): WriteUnit {
  const purpose = {
    kind: 'state',
    topic,
    partition: index,
    version: version + 1,
    ...decided,
  } as const;
  if (version === -1) {
    const path = partitionStateZnode.partitionPath(topic, index);
    const parent = { type: 'create', path, data: Buffer.alloc(0) } as const;
    return { operations: [parent, stateCreation(purpose)], purpose };
  }
  const data = partitionStateZnode.encode(decided.next);
  const path = partitionStateZnode.path(topic, index);
  return { operations: [{ type: 'setData', path, data, version }], purpose };
}

function stateCreation({ topic, partition, next }: StatePurpose): CoordinatorWrite {
  const path = partitionStateZnode.path(topic, partition);
  return { type: 'create', path, data: partitionStateZnode.encode(next) };
}

function partitionsParent(topic: string): WriteUnit {
  const path = partitionStateZnode.partitionsPath(topic);
  return {
    operations: [{ type: 'create', path, data: Buffer.alloc(0) }],
    purpose: { kind: 'partitionsParent', topic },
  };
}
