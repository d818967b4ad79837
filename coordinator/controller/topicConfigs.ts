/**
 * Alterations of topics' configurations.
 *
 * `min.insync.replicas` decides who is eligible to lead (KIP-966), so a change of it has an order:
 *
 *     lowered: (1) nobody is eligible any more, in the states, (2) the configuration is written
 *     raised:  (1) the configuration is written, (2) every broker has heard of it, (3) it counts
 *
 * The other way round, a leader would commit with fewer in sync while somebody without those records
 * is still, or already, eligible.
 */

import { topicConfigZnode } from '../znodes/index.ts';
import type { LoadedConfigs, TopicModel } from './clusterModel.ts';
import { type ControllerContext, repeated } from './controllerContext.ts';
import type {
  AlterConfigsRequest,
  UnitResult,
  WritePurpose,
  WriteUnit,
} from './controllerEvents.ts';
import type { PartitionLeaders } from './partitionLeaders.ts';
import type { RequestWaiters } from './requestWaiters.ts';

type ConfigPurpose = Extract<WritePurpose, { kind: 'configs' }>;

export class TopicConfigs {
  readonly #context: ControllerContext;
  readonly #waiters: RequestWaiters;
  readonly #leaders: PartitionLeaders;

  constructor(context: ControllerContext, waiters: RequestWaiters, leaders: PartitionLeaders) {
    this.#context = context;
    this.#waiters = waiters;
    this.#leaders = leaders;
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
        this.#alter(requestId, topic, configs);
      }
    }
  }

  #alter(requestId: number, topic: TopicModel, configs: ReadonlyMap<string, string>): void {
    const write = (): void => this.#context.write(configUnit(requestId, topic, configs));
    const { minInsyncReplicas } = this.#context.options.topicRules;
    const wanted = minInsyncReplicas(configs);
    if (wanted >= minInsyncReplicas(topic.configs)) {
      write();
      return;
    }
    topic.minIsrCap = wanted;
    this.#clearEligible(topic, (failure) => {
      if (failure === undefined) {
        write();
        return;
      }
      topic.minIsrCap = undefined;
      this.#context.requests.fail(requestId, topic.name, 'COORDINATOR_UNAVAILABLE', failure);
    });
  }

  /** @param then gets what went wrong, if anything. */
  #clearEligible(topic: TopicModel, then: (failure: string | undefined) => void): void {
    const concerned = topic.partitions.filter(({ busy, state }) => busy || state?.elr);
    let open = concerned.length;
    let failure: string | undefined;
    const done = (): void => {
      open -= 1;
      if (open === 0) then(failure);
    };
    if (open === 0) then(undefined);
    for (const partition of concerned) {
      this.#leaders.whenIdle(partition, () => {
        if (partition.state?.elr === undefined) {
          done();
          return;
        }
        this.#leaders.clearEligible(topic, partition, (result) => {
          if (!result.ok) failure ??= result.message;
          done();
        });
      });
    }
  }

  onWritten(purpose: ConfigPurpose, result: UnitResult): void {
    const topic = this.#context.topics.get(purpose.topic);
    const { requestId } = purpose;
    if (topic !== undefined) topic.minIsrCap = undefined;
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
    topic.configVersion = purpose.version;
    const version = this.#setConfigs(topic, purpose.configs);
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
    topic.configVersion = loaded.version;
    this.#setConfigs(topic, loaded.configs);
  }

  /** @returns the metadata version that tells it. */
  #setConfigs(topic: TopicModel, configs: ReadonlyMap<string, string>): number {
    const { minInsyncReplicas } = this.#context.options.topicRules;
    const before = minInsyncReplicas(topic.configs);
    topic.configs = configs;
    const version = this.#context.touchTopic(topic.name);
    if (minInsyncReplicas(configs) > before) {
      const from = Math.min(before, topic.minIsrRaise?.from ?? before);
      topic.minIsrRaise = { from, version };
    }
    // An unclean election may be allowed now.
    this.#leaders.electAll(topic);
    return version;
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
