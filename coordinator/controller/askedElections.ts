/** Elections that somebody asks for, and the periodic return to the preferred leaders. */

import type { ErrorName } from '../../protocol/index.ts';
import type { PartitionModel, TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type { ElectLeadersRequest } from './controllerEvents.ts';
import type { ElectionKind } from './leaderElection.ts';
import type { PartitionAnswers } from './partitionAnswers.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';

const KINDS: readonly ElectionKind[] = ['preferred', 'unclean'];

interface Place {
  readonly topic: TopicModel;
  readonly partition: PartitionModel;
}

export class AskedElections {
  readonly #context: ControllerContext;
  readonly #leaders: PartitionLeaders;
  readonly #answers: PartitionAnswers;

  constructor(
    context: ControllerContext,
    parts: { readonly leaders: PartitionLeaders; readonly answers: PartitionAnswers },
  ) {
    this.#context = context;
    this.#leaders = parts.leaders;
    this.#answers = parts.answers;
  }

  onRequest(requestId: number, request: ElectLeadersRequest): void {
    const kind = KINDS[request.electionType];
    const topics = request.topics ?? this.#allPartitions();
    this.#answers.begin(requestId, topics, { onlyNews: request.topics === null });
    for (const { name, partitions } of topics) {
      const topic = this.#context.topics.get(name);
      for (const index of partitions) {
        const at = { topic: name, partition: index };
        const settle = (error: ErrorName, message?: string): void =>
          this.#answers.settle(requestId, at, error, message);
        const partition = topic?.partitions[index];
        if (kind === undefined) {
          settle('INVALID_REQUEST', `There is no election type ${request.electionType}`);
        } else if (topic === undefined || topic.deletion !== undefined || partition === undefined) {
          settle('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition "${name}-${index}"`);
        } else {
          this.#leaders.whenIdle(partition, () => this.#elect(kind, { topic, partition }, settle));
        }
      }
    }
  }

  /**
   * Returns to the preferred leaders of every broker that leads too few of the partitions which
   * prefer it.
   *
   * @param percentage of its partitions that others may lead.
   */
  rebalance(percentage: number): void {
    const byBroker = new Map<number, { count: number; readonly elsewhere: Place[] }>();
    for (const topic of this.#context.topics.values()) {
      if (topic.deletion !== undefined) continue;
      for (const partition of topic.partitions) {
        const [preferred = -1] = partition.replicas;
        const share = byBroker.get(preferred) ?? { count: 0, elsewhere: [] };
        byBroker.set(preferred, share);
        share.count += 1;
        if (partition.state?.leader !== preferred) share.elsewhere.push({ topic, partition });
      }
    }
    for (const [broker, { count, elsewhere }] of byBroker) {
      if (!this.#context.isAlive(broker) || elsewhere.length * 100 <= percentage * count) continue;
      const moved = elsewhere.filter(({ partition }) => !partition.busy && !isMoving(partition));
      for (const { topic, partition } of moved) {
        this.#leaders.electAs('preferred', topic, partition, () => undefined);
      }
    }
  }

  #elect(
    kind: ElectionKind,
    { topic, partition }: Place,
    settle: (error: ErrorName, message?: string) => void,
  ): void {
    const name = `${topic.name}-${partition.index}`;
    const { state, replicas, problem } = partition;
    const [preferred] = replicas;
    const isElected = kind === 'preferred' ? state?.leader === preferred : state?.leader !== -1;
    if (state !== undefined && isElected) {
      settle('ELECTION_NOT_NEEDED');
      return;
    }
    const found =
      state !== undefined &&
      problem === undefined &&
      this.#leaders.electAs(kind, topic, partition, (result) => {
        if (result.ok) settle('NONE');
        else settle('COORDINATOR_UNAVAILABLE', result.message);
      });
    if (found) return;
    if (kind === 'preferred') {
      const message = `The preferred leader ${preferred} of "${name}" is not alive and in sync`;
      settle('PREFERRED_LEADER_NOT_AVAILABLE', message);
    } else {
      settle('ELIGIBLE_LEADERS_NOT_AVAILABLE', `No replica of "${name}" is alive`);
    }
  }

  #allPartitions(): { readonly name: string; readonly partitions: readonly number[] }[] {
    return [...this.#context.topics.values()]
      .filter(({ deletion }) => deletion === undefined)
      .map(({ name, partitions }) => ({ name, partitions: partitions.map(({ index }) => index) }));
  }
}

function isMoving({ adding, removing }: PartitionModel): boolean {
  return adding.length > 0 || removing.length > 0;
}
