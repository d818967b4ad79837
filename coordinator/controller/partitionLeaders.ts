/**
 * Who leads each partition: elections, their way into ZooKeeper, and what to do when it refuses.
 *
 * Invariant: of each partition at most one write or re-read is under way (`busy`), so what is
 * decided next is decided on what stands in ZooKeeper.
 */

import { assert, type CoordinatorWrite } from '../../common/index.ts';
import { partitionStateZnode } from '../znodes/index.ts';
import type { LoadedState, PartitionModel, TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { UnitResult, WritePurpose, WriteUnit } from './controllerEvents.ts';
import { electLeader } from './leaderElection.ts';

type StatePurpose = Extract<WritePurpose, { kind: 'state' }>;

export class PartitionLeaders {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** These brokers have registered anew: what they led, or were about to, needs a new epoch. */
  noteBounced(topic: TopicModel, bounced: ReadonlySet<number>): void {
    if (bounced.size === 0) return;
    for (const partition of topic.partitions) {
      const { state, pending } = partition;
      // A write under way may make a leader of a broker that is not what it was any more.
      const concerned = [state?.leader ?? -1, pending?.leader ?? -1].some((id) => bounced.has(id));
      if (concerned) partition.leaderBounced = true;
      const inSync = [...(state?.isr ?? []), ...(pending?.isr ?? [])];
      for (const id of inSync) if (bounced.has(id)) partition.bounced.add(id);
    }
  }

  /** Elects where it is needed and possible, and starts what has no state yet. */
  electAll(topic: TopicModel): void {
    const missing = topic.partitions.every(({ version }) => version === -1);
    const units = topic.partitions.flatMap((partition) => this.#elect(topic, partition));
    // The first states of a topic need the znode above them; it is empty and may stand already.
    if (missing && units.length > 0) this.#context.write(partitionsParent(topic.name));
    for (const unit of units) this.#context.write(unit);
  }

  #elect(topic: TopicModel, partition: PartitionModel): WriteUnit[] {
    if (partition.busy || partition.problem !== undefined || topic.deletion !== undefined)
      return [];
    const { leaderBounced } = partition;
    const next = electLeader(partition, (id) => this.#context.isAlive(id), {
      controllerEpoch: this.#context.options.controllerEpoch,
      leaderBounced,
      bounced: partition.bounced,
    });
    if (next === undefined) return [];
    partition.busy = true;
    partition.pending = next;
    partition.leaderBounced = false;
    partition.bounced.clear();
    return [stateUnit(topic.name, partition, { next, leaderBounced })];
  }

  /** Writes another ISR, unasked for by any election. The partition must not be busy. */
  writeIsr(
    topic: TopicModel,
    partition: PartitionModel,
    change: { readonly isr: readonly number[]; readonly onDone: (result: UnitResult) => void },
  ): void {
    const { state } = partition;
    assert(state !== undefined && !partition.busy, 'One write of a state at a time', {
      topic: topic.name,
      partition: partition.index,
    });
    const { controllerEpoch } = this.#context.options;
    const next = { ...state, isr: change.isr, controllerEpoch };
    partition.busy = true;
    partition.pending = next;
    this.#context.write(
      stateUnit(topic.name, partition, { next, leaderBounced: false, onDone: change.onDone }),
    );
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
      partition.pending = undefined;
      partition.state = purpose.next;
      partition.version = purpose.version;
      this.#context.touch(topic, partition);
      // Brokers may have come or gone since this was decided.
      for (const unit of this.#elect(topic, partition)) this.#context.write(unit);
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
    partition.pending = undefined;
    partition.leaderBounced ||= purpose.leaderBounced;
    if (['BAD_VERSION', 'NODE_EXISTS', 'NO_NODE'].includes(result.code)) {
      // Somebody else wrote it. What stands there now decides.
      partition.refused = true;
      this.#context.emit({ type: 'readState', topic: topic.name, partition: partition.index });
      return;
    }
    partition.busy = false;
    partition.problem = result.message;
  }

  onRead(topicName: string, index: number, loaded: LoadedState): void {
    const topic = this.#context.topics.get(topicName);
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined) return;
    partition.busy = false;
    const { version, refused } = partition;
    partition.refused = false;
    if (loaded.kind === 'damaged') {
      if (partition.problem === loaded.problem) return;
      partition.problem = loaded.problem;
      partition.state = undefined;
      this.sayDamaged(topic, partition);
      this.#context.touch(topic, partition);
      return;
    }
    partition.state = loaded.kind === 'state' ? loaded.state : undefined;
    partition.version = loaded.kind === 'state' ? loaded.version : -1;
    // Writing again what was refused, on top of the same version, would be refused again: that
    // waits for the next tick.
    const unchanged = refused && partition.version === version;
    partition.problem = unchanged ? 'ZooKeeper refuses to write the state' : undefined;
    if (partition.version !== version) this.#context.touch(topic, partition);
    for (const unit of this.#elect(topic, partition)) this.#context.write(unit);
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
  decided: Pick<StatePurpose, 'next' | 'leaderBounced' | 'onDone'>,
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
