/** Requests that wait for something: each is answered once, when all its topics have a result. */

import { assert } from '../../common/index.ts';
import { type ErrorName, errorCode } from '../../protocol/index.ts';
import type {
  AlterConfigsResponse,
  ControllerResponse,
  CreateTopicsResponse,
} from './controllerEvents.ts';

export type RequestKind = 'createTopics' | 'deleteTopics' | 'alterConfigs' | 'createPartitions';

export type CreatedTopic = CreateTopicsResponse['topics'][number];
type AnsweredTopic = AlterConfigsResponse['topics'][number];

interface PendingRequest {
  readonly requestId: number;
  readonly kind: RequestKind;
  /** In the order of the request. Invariant: a topic in `open` has no result yet. */
  readonly topics: readonly string[];
  readonly results: Map<string, CreatedTopic | AnsweredTopic>;
  readonly open: Set<string>;
}

export class PendingRequests {
  readonly #requests = new Map<number, PendingRequest>();

  /** @param topics each at most once. */
  begin(requestId: number, kind: RequestKind, topics: readonly string[]): void {
    this.#requests.set(requestId, {
      requestId,
      kind,
      topics,
      results: new Map(),
      open: new Set(topics),
    });
  }

  fail(requestId: number, topic: string, error: ErrorName, message: string): void {
    const failure = { name: topic, errorCode: errorCode(error), errorMessage: message };
    const created = { ...failure, topicId: null, partitionCount: -1, replicationFactor: -1 };
    const kind = this.#requests.get(requestId)?.kind;
    this.#settle(requestId, topic, kind === 'createTopics' ? created : failure);
  }

  succeed(requestId: number, topic: string): void {
    this.#settle(requestId, topic, { name: topic, errorCode: 0, errorMessage: null });
  }

  created(requestId: number, topic: CreatedTopic): void {
    this.#settle(requestId, topic.name, topic);
  }

  /** Topics of the request that have no result yet; none where it has been answered. */
  openTopics(requestId: number): readonly string[] {
    return [...(this.#requests.get(requestId)?.open ?? [])];
  }

  /** Whether the request still waits for this topic. */
  awaits(requestId: number, topic: string): boolean {
    return this.#requests.get(requestId)?.open.has(topic) ?? false;
  }

  /** @returns the responses that are whole now; each is given out once. */
  takeComplete(): { readonly requestId: number; readonly response: ControllerResponse }[] {
    const complete = [...this.#requests.values()].filter(({ open }) => open.size === 0);
    return complete.map(({ requestId, topics, results }) => {
      this.#requests.delete(requestId);
      const response = {
        topics: topics.map((name) => {
          const result = results.get(name);
          assert(result !== undefined, 'A topic that is not open has its result', { name });
          return result;
        }),
      };
      return { requestId, response: response as ControllerResponse };
    });
  }

  #settle(requestId: number, topic: string, result: CreatedTopic | AnsweredTopic): void {
    const request = this.#requests.get(requestId);
    // A request that timed out has been answered; what happens to its topics later is no news.
    if (request === undefined || !request.open.delete(topic)) return;
    request.results.set(topic, result);
  }
}
