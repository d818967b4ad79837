/** Brokers as the controller sees them: they take metadata by the rules and keep an image of it. */

import type {
  MetadataChannel,
  MetadataPusher,
  PushTarget,
  UpdateMetadataRequest,
  UpdateMetadataResponse,
} from '../../../../coordinator/index.ts';
import {
  errorCode,
  type LiveBroker,
  ProtocolError,
  type TopicState,
} from '../../../../protocol/index.ts';

export interface FakeBroker {
  readonly id: number;
  controllerEpoch: number;
  version: number;
  brokers: readonly LiveBroker[];
  readonly topics: Map<string, TopicState>;
  /** Ids of topics whose files were removed. */
  readonly removedFiles: Set<string>;
  snapshots: number;
  deltas: number;
}

export class FakeBrokers implements MetadataPusher {
  readonly #brokers = new Map<number, FakeBroker>();
  /** Brokers that do not answer. */
  readonly silent = new Set<number>();
  /** Brokers that cannot remove files. */
  readonly failing = new Set<number>();

  get(id: number): FakeBroker {
    const known = this.#brokers.get(id);
    if (known !== undefined) return known;
    const made: FakeBroker = {
      id,
      controllerEpoch: 0,
      version: 0,
      brokers: [],
      topics: new Map(),
      removedFiles: new Set(),
      snapshots: 0,
      deltas: 0,
    };
    this.#brokers.set(id, made);
    return made;
  }

  /** The process of this broker starts anew: what it knew is gone. */
  forget(id: number): void {
    this.#brokers.delete(id);
  }

  open(target: PushTarget): MetadataChannel {
    return {
      push: (request) =>
        this.silent.has(target.id)
          ? Promise.reject(new ProtocolError('NETWORK_EXCEPTION', 'silent'))
          : Promise.resolve(this.#apply(this.get(target.id), request)),
      close: () => undefined,
    };
  }

  #apply(broker: FakeBroker, request: UpdateMetadataRequest): UpdateMetadataResponse {
    const answer = (error: 'NONE' | 'INVALID_REQUEST' | 'STALE_CONTROLLER_EPOCH') => ({
      errorCode: errorCode(error),
      version: broker.version,
      failedTopics: [] as string[],
    });
    if (request.controllerEpoch < broker.controllerEpoch) return answer('STALE_CONTROLLER_EPOCH');
    const isSnapshot = request.baseVersion === -1;
    const fits =
      isSnapshot ||
      (request.controllerEpoch === broker.controllerEpoch &&
        request.baseVersion === broker.version);
    if (!fits) return answer('INVALID_REQUEST');
    broker.controllerEpoch = request.controllerEpoch;
    broker.version = request.version;
    if (isSnapshot) broker.topics.clear();
    broker[isSnapshot ? 'snapshots' : 'deltas'] += 1;
    if (request.brokers !== null) broker.brokers = request.brokers;
    const failedTopics = this.#applyTopics(broker, request);
    for (const id of request.removedTopics) {
      for (const [name, topic] of broker.topics) {
        if (topic.topicId === id) broker.topics.delete(name);
      }
    }
    return { ...answer('NONE'), failedTopics };
  }

  #applyTopics(broker: FakeBroker, request: UpdateMetadataRequest): string[] {
    const failed: string[] = [];
    for (const topic of request.topics) {
      const before = broker.topics.get(topic.name)?.partitions ?? [];
      const changed = new Set(topic.partitions.map(({ index }) => index));
      const partitions = [
        ...before.filter(({ index }) => !changed.has(index)),
        ...topic.partitions,
      ].sort((a, b) => a.index - b.index);
      broker.topics.set(topic.name, { ...topic, partitions });
      if (!topic.deleting) continue;
      if (this.failing.has(broker.id)) failed.push(topic.topicId);
      else broker.removedFiles.add(topic.topicId);
    }
    return failed;
  }
}
