/**
 * Topics that come into being because somebody asks for them: those that a client wants metadata
 * of, and the one in which groups keep their offsets. Nobody waits: who asked asks again.
 */

import type { Logger } from '../../common/index.ts';
import { errorName, ProtocolError } from '../../protocol/index.ts';
import type { ControllerChannel } from '../api/index.ts';
import type { BrokerConfig } from '../config/index.ts';
import { OFFSETS_TOPIC } from '../group/index.ts';

const TIMEOUT_MS = 30_000;

type TopicToCreate = Parameters<ControllerChannel['createTopics']>[0]['topics'][number];

export class TopicCreation {
  readonly #channel: Pick<ControllerChannel, 'createTopics'>;
  readonly #config: BrokerConfig;
  readonly #logger: Logger;
  /** Asked for, and not answered yet. */
  readonly #underWay = new Set<string>();

  constructor(
    channel: Pick<ControllerChannel, 'createTopics'>,
    config: BrokerConfig,
    logger: Logger,
  ) {
    this.#channel = channel;
    this.#config = config;
    this.#logger = logger.child('topicCreation');
  }

  /** Asks the controller for the topic, unless that is under way. */
  begin(name: string): void {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    this.#create(this.#topic(name)).then(
      () => this.#underWay.delete(name),
      (error: unknown) => {
        this.#underWay.delete(name);
        if (!(error instanceof ProtocolError)) throw error;
        this.#logger.warn('A topic that was asked for could not be created', {
          topic: name,
          error,
        });
      },
    );
  }

  async #create(topic: TopicToCreate): Promise<void> {
    const { topics } = await this.#channel.createTopics({
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
      forwarded: false,
      topics: [topic],
    });
    const [result] = topics;
    if (result === undefined || result.errorCode === 0) return;
    const code = errorName(result.errorCode);
    // Another broker was asked too, and was faster.
    if (code === 'TOPIC_ALREADY_EXISTS') return;
    throw new ProtocolError(code, result.errorMessage ?? undefined);
  }

  #topic(name: string): TopicToCreate {
    const plain = { name, partitionCount: -1, replicationFactor: -1, assignments: null };
    if (name !== OFFSETS_TOPIC) return { ...plain, configs: [] };
    const { groups } = this.#config;
    return {
      ...plain,
      partitionCount: groups.offsetsPartitionCount,
      replicationFactor: groups.offsetsReplicationFactor,
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'compression.type', value: 'producer' },
        { name: 'segment.bytes', value: String(groups.offsetsSegmentBytes) },
      ],
    };
  }
}
