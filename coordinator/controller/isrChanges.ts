/**
 * Changes of in-sync replicas that leaders ask for (AlterPartition, KIP-497).
 *
 * A change is taken only from the leader of the epoch that stands, on top of the state version that
 * stands, and only for brokers in the very registration that the leader saw in sync (KIP-903).
 * Example of why: (1) B fetches everything, its leader A proposes to add it; (2) B's machine fails
 * and comes back at once, without its unsynced tail; (3) without the check the controller adds B,
 * A fails, and B leads without committed records.
 */

import { type ErrorName, errorCode } from '../../protocol/index.ts';
import type { PartitionModel, TopicModel } from './clusterModel.ts';
import type { ControllerContext } from './controllerContext.ts';
import type {
  AlterPartitionRequest,
  AlterPartitionResponse,
  UnitResult,
} from './controllerEvents.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';

type Wanted = AlterPartitionRequest['topics'][number]['partitions'][number];
type PartitionAnswer = AlterPartitionResponse['topics'][number]['partitions'][number];

interface Pending {
  /** Partitions whose write is under way. */
  open: number;
  readonly topics: { readonly topicId: string; readonly partitions: PartitionAnswer[] }[];
}

export class IsrChanges {
  readonly #context: ControllerContext;
  readonly #leaders: PartitionLeaders;
  readonly #pending = new Map<number, Pending>();

  constructor(context: ControllerContext, leaders: PartitionLeaders) {
    this.#context = context;
    this.#leaders = leaders;
  }

  onRequest(requestId: number, request: AlterPartitionRequest): void {
    if (this.#context.brokers.get(request.brokerId)?.epoch !== request.brokerEpoch) {
      const response = { errorCode: errorCode('STALE_BROKER_EPOCH'), topics: [] };
      this.#context.emit({ type: 'reply', requestId, response });
      return;
    }
    const topicsById = new Map(
      [...this.#context.topics.values()].map((topic) => [topic.topicId, topic]),
    );
    const pending: Pending = { open: 0, topics: [] };
    for (const { topicId, partitions } of request.topics) {
      const answers: PartitionAnswer[] = [];
      pending.topics.push({ topicId, partitions: answers });
      for (const wanted of partitions) {
        const topic = topicsById.get(topicId);
        const partition = topic?.partitions[wanted.index];
        if (topic === undefined || topic.deletion !== undefined || partition === undefined) {
          answers.push(refused(wanted, 'UNKNOWN_TOPIC_ID'));
          continue;
        }
        const refusal = this.#refusal(request.brokerId, wanted, { topic, partition });
        if (refusal !== undefined) {
          answers.push({ ...answerOf(partition), errorCode: errorCode(refusal) });
          continue;
        }
        pending.open += 1;
        const position = answers.push(answerOf(partition)) - 1;
        this.#leaders.writeIsr(topic, partition, {
          isr: wanted.isr.map(({ id, epoch }) => ({ id, brokerEpoch: epoch })),
          onDone: (result) => this.#onDone(requestId, answers, position, partition, result),
        });
      }
    }
    if (pending.open > 0) this.#pending.set(requestId, pending);
    else this.#reply(requestId, pending);
  }

  #onDone(
    requestId: number,
    answers: PartitionAnswer[],
    position: number,
    partition: PartitionModel,
    result: UnitResult,
  ): void {
    const error: ErrorName = result.ok ? 'NONE' : 'INVALID_UPDATE_VERSION';
    answers[position] = { ...answerOf(partition), errorCode: errorCode(error) };
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    pending.open -= 1;
    if (pending.open > 0) return;
    this.#pending.delete(requestId);
    this.#reply(requestId, pending);
  }

  #reply(requestId: number, { topics }: Pending): void {
    this.#context.emit({ type: 'reply', requestId, response: { errorCode: 0, topics } });
  }

  #refusal(
    brokerId: number,
    wanted: Wanted,
    { topic, partition }: { readonly topic: TopicModel; readonly partition: PartitionModel },
  ): ErrorName | undefined {
    const { state, version, replicas, busy, problem } = partition;
    if (state === undefined || problem !== undefined) return 'UNKNOWN_TOPIC_ID';
    if (wanted.leaderEpoch < state.leaderEpoch) return 'FENCED_LEADER_EPOCH';
    if (wanted.leaderEpoch > state.leaderEpoch || state.leader !== brokerId) {
      return 'INVALID_REQUEST';
    }
    if (wanted.partitionEpoch !== version) return 'INVALID_UPDATE_VERSION';
    // What is being written will have another version; the leader asks again when it knows.
    if (busy) return 'REQUEST_TIMED_OUT';
    const ids = wanted.isr.map(({ id }) => id);
    const isProper = ids.includes(brokerId) && ids.every((id) => replicas.includes(id));
    if (!isProper || new Set(ids).size !== ids.length) return 'INVALID_REQUEST';
    const joining = wanted.isr.filter(({ id }) => !state.isr.includes(id));
    if (joining.length === 0) return undefined;
    // Nobody joins who is about to stop, is being taken away, or has lost the disk.
    const { dropped } = this.#context.electionRules(topic, partition);
    const isEligible = joining.every(
      ({ id, epoch }) =>
        this.#context.servingEpoch(partition, id) === epoch &&
        !this.#context.isStopping(id) &&
        !dropped.has(id),
    );
    return isEligible ? undefined : 'INELIGIBLE_REPLICA';
  }
}

function answerOf({ index, state, version }: PartitionModel): PartitionAnswer {
  return {
    index,
    errorCode: 0,
    leader: state?.leader ?? -1,
    leaderEpoch: state?.leaderEpoch ?? -1,
    partitionEpoch: version,
    isr: state?.isr ?? [],
  };
}

function refused({ index }: Wanted, error: ErrorName): PartitionAnswer {
  const code = errorCode(error);
  return { index, errorCode: code, leader: -1, leaderEpoch: -1, partitionEpoch: -1, isr: [] };
}
