/** Alterations of topics' configurations. */

import { topicConfigZnode } from '../znodes/index.ts';
import type { LoadedConfigs, TopicModel } from './clusterModel.ts';
import { type ControllerContext, repeated } from './controllerContext.ts';
import type {
  AlterConfigsRequest,
  UnitResult,
  WritePurpose,
  WriteUnit,
} from './controllerEvents.ts';
import type { RequestWaiters } from './requestWaiters.ts';

type ConfigPurpose = Extract<WritePurpose, { kind: 'configs' }>;

export class TopicConfigs {
  readonly #context: ControllerContext;
  readonly #waiters: RequestWaiters;

  constructor(context: ControllerContext, waiters: RequestWaiters) {
    this.#context = context;
    this.#waiters = waiters;
  }

  onRequest(requestId: number, request: AlterConfigsRequest): void {
    this.#context.requests.begin(
      requestId,
      'alterConfigs',
      request.topics.map(({ name }) => name),
    );
    for (const name of repeated(request.topics.map((topic) => topic.name))) {
      this.#context.requests.fail(
        requestId,
        name,
        'INVALID_REQUEST',
        `"${name}" stands there twice`,
      );
    }
    for (const { name, changes } of request.topics) {
      if (!this.#context.requests.awaits(requestId, name)) continue;
      const topic = this.#context.topics.get(name);
      if (topic === undefined || topic.deletion !== undefined) {
        const error =
          topic === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'TOPIC_DELETION_IN_PROGRESS';
        this.#context.requests.fail(
          requestId,
          name,
          error,
          this.#context.damaged.get(name) ?? `No topic "${name}"`,
        );
        continue;
      }
      const configs = new Map(topic.configs);
      for (const { name: key, value } of changes) {
        if (value === null) configs.delete(key);
        else configs.set(key, value);
      }
      const problem =
        repeated(changes.map((change) => change.name)).length > 0
          ? 'A configuration name is given more than once'
          : this.#context.options.validateTopicConfigs(configs);
      if (problem !== undefined) {
        this.#context.requests.fail(requestId, name, 'INVALID_CONFIG', problem);
      } else if (request.validateOnly) {
        this.#context.requests.succeed(requestId, name);
      } else {
        this.#context.write(configUnit(requestId, topic, configs));
      }
    }
  }

  onWritten(purpose: ConfigPurpose, result: UnitResult): void {
    const topic = this.#context.topics.get(purpose.topic);
    const { requestId } = purpose;
    if (topic === undefined) {
      const message = `The topic "${purpose.topic}" was deleted meanwhile`;
      this.#context.requests.fail(requestId, purpose.topic, 'UNKNOWN_TOPIC_OR_PARTITION', message);
      return;
    }
    if (!result.ok) {
      this.#context.requests.fail(requestId, topic.name, 'COORDINATOR_UNAVAILABLE', result.message);
      // Somebody else has written it: the next request builds on what stands there now.
      if (['BAD_VERSION', 'NODE_EXISTS', 'NO_NODE'].includes(result.code)) {
        this.#context.emit({ type: 'readConfigs', topic: topic.name });
      }
      return;
    }
    topic.configs = purpose.configs;
    topic.configVersion = purpose.version;
    const version = this.#context.touchTopic(topic.name);
    this.#waiters.add({ requestId, topic: topic.name, until: 'told', version });
  }

  onRead(name: string, loaded: LoadedConfigs): void {
    const topic = this.#context.topics.get(name);
    if (topic === undefined) return;
    if (loaded.kind === 'damaged') {
      // The brokers go on with what they have: a topic without its retention would lose records.
      this.#context.say('error', 'The configuration of a topic cannot be understood', {
        topic: name,
        problem: loaded.problem,
      });
      return;
    }
    topic.configs = loaded.configs;
    topic.configVersion = loaded.version;
    this.#context.touchTopic(name);
  }
}

function configUnit(
  requestId: number,
  topic: TopicModel,
  configs: ReadonlyMap<string, string>,
): WriteUnit {
  const path = topicConfigZnode.path(topic.name);
  const data = topicConfigZnode.encode(configs);
  const before = topic.configVersion;
  const expected = before === 'any' ? -1 : before;
  const after = before === 'any' ? 'any' : before === 'absent' ? 0 : before + 1;
  return {
    operations: [
      expected === 'absent'
        ? { type: 'create', path, data }
        : { type: 'setData', path, data, version: expected },
    ],
    purpose: { kind: 'configs', requestId, topic: topic.name, configs, version: after },
  };
}
