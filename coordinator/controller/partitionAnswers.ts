/** Requests that are answered partition by partition: each is answered once, when all have a result. */

import { type ErrorName, errorCode } from '../../protocol/index.ts';
import type { ControllerContext } from './controllerContext.ts';

interface Answer {
  readonly index: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

interface Pending {
  /** In the order of the request; undefined while a partition has no result. */
  readonly topics: ReadonlyMap<string, Map<number, Answer | undefined>>;
  /** Whether partitions where nothing was to be done are left out of the answer. */
  readonly onlyNews: boolean;
}

export class PartitionAnswers {
  readonly #context: ControllerContext;
  readonly #pending = new Map<number, Pending>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  begin(
    requestId: number,
    topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
    { onlyNews }: { readonly onlyNews: boolean },
  ): void {
    const answers = new Map<string, Map<number, Answer | undefined>>();
    for (const { name, partitions } of topics) {
      const known = answers.get(name) ?? new Map<number, Answer | undefined>();
      for (const index of partitions) known.set(index, undefined);
      answers.set(name, known);
    }
    this.#pending.set(requestId, { topics: answers, onlyNews });
    this.#replyIfComplete(requestId);
  }

  settle(
    requestId: number,
    at: { readonly topic: string; readonly partition: number },
    error: ErrorName,
    message: string | null = null,
  ): void {
    const answers = this.#pending.get(requestId)?.topics.get(at.topic);
    // Answered already: the time was over.
    if (answers === undefined || answers.get(at.partition) !== undefined) return;
    const answer = { index: at.partition, errorCode: errorCode(error), errorMessage: message };
    answers.set(at.partition, answer);
    this.#replyIfComplete(requestId);
  }

  /** The time of the request is over: what has no result yet goes on, and is reported as unknown. */
  timeOut(requestId: number): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    const message = 'The change is not written yet; it goes on';
    for (const [topic, answers] of pending.topics) {
      for (const [partition, answer] of answers) {
        if (answer === undefined) {
          this.settle(requestId, { topic, partition }, 'REQUEST_TIMED_OUT', message);
        }
      }
    }
  }

  #replyIfComplete(requestId: number): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    const all = [...pending.topics.values()].flatMap((answers) => [...answers.values()]);
    if (all.includes(undefined)) return;
    this.#pending.delete(requestId);
    const notNeeded = errorCode('ELECTION_NOT_NEEDED');
    const topics = [...pending.topics].map(([name, answers]) => ({
      name,
      partitions: [...answers.values()]
        .filter((answer) => answer !== undefined)
        .filter((answer) => !pending.onlyNews || answer.errorCode !== notNeeded),
    }));
    const response = {
      topics: topics.filter(({ partitions }) => !pending.onlyNews || partitions.length > 0),
    };
    this.#context.emit({ type: 'reply', requestId, response });
  }
}
