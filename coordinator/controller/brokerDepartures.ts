/**
 * Brokers that go in good order, and replicas that their brokers can no longer serve.
 *
 * A broker about to stop says so first: its leaders move to other in-sync replicas, and it leaves
 * the ISR of what it follows, while it still answers. Nobody then waits for a session to end. It is
 * not elected again, and joins no ISR, until it has registered anew.
 */

import { errorCode } from '../../protocol/index.ts';
import type { PartitionModel, TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { ControlledShutdownRequest, LogDirFailureRequest } from './controllerEvents.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';

interface Departure {
  readonly requestId: number;
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** What it led or followed in sync. */
  readonly partitions: readonly PartitionModel[];
}

export class BrokerDepartures {
  readonly #context: ControllerContext;
  readonly #leaders: PartitionLeaders;
  #departures: Departure[] = [];

  constructor(context: ControllerContext, leaders: PartitionLeaders) {
    this.#context = context;
    this.#leaders = leaders;
  }

  onShutdown(requestId: number, { brokerId, brokerEpoch }: ControlledShutdownRequest): void {
    if (this.#context.brokers.get(brokerId)?.epoch !== brokerEpoch) {
      this.#answerShutdown(requestId, 'STALE_BROKER_EPOCH', 0);
      return;
    }
    this.#context.stopping.set(brokerId, brokerEpoch);
    const concerned = this.#partitionsOf(brokerId);
    this.#context.say('info', 'A broker is about to stop', {
      broker: brokerId,
      partitions: concerned.length,
    });
    for (const { topic, partition } of concerned) this.#leaders.elect(topic, partition);
    const partitions = concerned.map(({ partition }) => partition);
    this.#departures.push({ requestId, brokerId, brokerEpoch, partitions });
    this.settle();
  }

  /** Answers the brokers whose partitions have moved, and whose new leaders know it. */
  settle(): void {
    this.#departures = this.#departures.filter((departure) => {
      if (!this.#hasMoved(departure)) return true;
      const { requestId } = departure;
      this.#answerShutdown(requestId, 'NONE', this.#remaining(departure));
      return false;
    });
  }

  /** The broker is not kept waiting: it may ask again. */
  timeOut(requestId: number): void {
    const departure = this.#departures.find((each) => each.requestId === requestId);
    if (departure === undefined) return;
    this.#departures = this.#departures.filter((each) => each !== departure);
    this.#answerShutdown(requestId, 'NONE', this.#remaining(departure));
  }

  onLogDirFailure(requestId: number, request: LogDirFailureRequest): void {
    const { brokerId, brokerEpoch } = request;
    if (this.#context.brokers.get(brokerId)?.epoch !== brokerEpoch) {
      const response = { errorCode: errorCode('STALE_BROKER_EPOCH') };
      this.#context.emit({ type: 'reply', requestId, response });
      return;
    }
    const concerned = this.#failedPartitions(request);
    this.#context.say('warn', 'A broker has replicas that it cannot serve', {
      broker: brokerId,
      partitions: concerned.length,
    });
    const isFirst = this.#context.offlineTold.get(brokerId) !== brokerEpoch;
    this.#context.offlineTold.set(brokerId, brokerEpoch);
    let open = concerned.length + 1;
    // Answered when it is written: until then the broker tells the next controller, too.
    const done = (): void => {
      open -= 1;
      if (open > 0) return;
      this.#context.emit({ type: 'reply', requestId, response: { errorCode: 0 } });
    };
    for (const { topic, partition } of concerned) {
      partition.offline.set(brokerId, brokerEpoch);
      this.#leaders.elect(topic, partition);
      this.#leaders.whenIdle(partition, done);
    }
    // The others could not be elected until now.
    if (isFirst) for (const topic of this.#context.topics.values()) this.#leaders.electAll(topic);
    done();
  }

  #failedPartitions(request: LogDirFailureRequest): {
    readonly topic: TopicModel;
    readonly partition: PartitionModel;
  }[] {
    const topicsById = new Map(
      [...this.#context.topics.values()].map((topic) => [topic.topicId, topic]),
    );
    return request.topics.flatMap(({ topicId, partitions }) => {
      const topic = topicsById.get(topicId);
      if (topic === undefined) return [];
      return partitions.flatMap((index) => {
        const partition = topic.partitions[index];
        return partition === undefined ? [] : [{ topic, partition }];
      });
    });
  }

  #partitionsOf(brokerId: number): {
    readonly topic: TopicModel;
    readonly partition: PartitionModel;
  }[] {
    return [...this.#context.topics.values()]
      .filter(({ deletion }) => deletion === undefined)
      .flatMap((topic) =>
        topic.partitions
          .filter(({ replicas }) => replicas.includes(brokerId))
          .map((partition) => ({ topic, partition })),
      );
  }

  #hasMoved({ brokerId, brokerEpoch, partitions }: Departure): boolean {
    if (this.#context.brokers.get(brokerId)?.epoch !== brokerEpoch) return true;
    return partitions.every(({ busy, state, changedVersion }) => {
      if (busy) return false;
      // Both who leads now and who led must know, or the one would refuse what the other takes.
      const { leader = -1 } = state ?? {};
      return [leader, brokerId].every(
        (id) => !this.#context.isAlive(id) || this.#context.hasAcked(id, changedVersion),
      );
    });
  }

  /** Partitions that the broker leads although somebody else could. */
  #remaining({ brokerId, partitions }: Departure): number {
    return partitions.filter((partition) => {
      const { state } = partition;
      if (state?.leader !== brokerId) return false;
      return state.isr.some(
        (id) =>
          id !== brokerId &&
          this.#context.servingEpoch(partition, id) !== undefined &&
          !this.#context.isStopping(id),
      );
    }).length;
  }

  #answerShutdown(
    requestId: number,
    error: 'NONE' | 'STALE_BROKER_EPOCH',
    remaining: number,
  ): void {
    const response = { errorCode: errorCode(error), remaining };
    this.#context.emit({ type: 'reply', requestId, response });
  }
}
