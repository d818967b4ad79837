/**
 * Takes the proposals of all leading partitions to the controller, one request at a time.
 *
 * A proposal whose outcome is unknown stays open, and the partition goes on counting the maximal
 * ISR: it is sent again until the controller answers, or a state of the controller overtakes it.
 */

import type { BrokerEpoch, Environment, Logger } from '../../common/index.ts';
import {
  errorName,
  type alterPartitionApi,
  type PartitionState,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { IsrProposal } from './leaderState.ts';
import type { Partition } from './partition.ts';

export type AlterPartitionRequest = RequestOf<typeof alterPartitionApi>;
export type AlterPartitionResponse = ResponseOf<typeof alterPartitionApi>;
type PartitionAnswer = AlterPartitionResponse['topics'][number]['partitions'][number];

export interface IsrProposalsOptions {
  readonly selfId: number;
  readonly brokerEpoch: () => BrokerEpoch;
  /** The way to the controller. Rejects where no answer came. */
  readonly send: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>;
  /** Whether the registration is proven: otherwise nothing is proposed. */
  readonly mayPropose: () => boolean;
}

const RETRY_MS = 50;

interface Open {
  readonly partition: Partition;
  readonly proposal: IsrProposal;
  readonly leaderEpoch: number;
}

export class IsrProposals {
  readonly #environment: Pick<Environment, 'timers'>;
  readonly #options: IsrProposalsOptions;
  readonly #logger: Logger;
  readonly #open = new Map<Partition, Open>();
  #sending = false;
  #closed = false;

  constructor(
    environment: Pick<Environment, 'timers'>,
    options: IsrProposalsOptions,
    logger: Logger,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#logger = logger;
  }

  add(partition: Partition, proposal: IsrProposal): void {
    this.#open.set(partition, { partition, proposal, leaderEpoch: partition.leaderEpoch });
    if (!this.#sending) this.#sendLater(0);
  }

  close(): void {
    this.#closed = true;
    this.#open.clear();
  }

  /** At the end of the turn, so that proposals of many partitions share a request. */
  #sendLater(delayMs: number): void {
    this.#sending = true;
    const send = (): void => {
      this.#send().catch((error: unknown) => {
        this.#logger.debug('The controller did not answer a proposal', { error });
        this.#sendLater(RETRY_MS);
      });
    };
    if (delayMs === 0) this.#environment.timers.afterTurn(send);
    else this.#environment.timers.set(delayMs, send);
  }

  async #send(): Promise<void> {
    if (this.#closed) return;
    for (const [partition, open] of this.#open) {
      if (!isCurrent(open)) this.#open.delete(partition);
    }
    if (this.#open.size === 0) {
      this.#sending = false;
      return;
    }
    if (!this.#options.mayPropose()) {
      this.#sendLater(RETRY_MS);
      return;
    }
    const sent = [...this.#open.values()];
    const response = await this.#options.send(this.#request(sent));
    if (this.#closed) return;
    const retry = response.errorCode !== 0;
    if (!retry) for (const open of sent) this.#settle(open, answerFor(open, response));
    this.#sendLater(retry || sent.some((open) => this.#isOpen(open)) ? RETRY_MS : 0);
  }

  #request(sent: readonly Open[]): AlterPartitionRequest {
    const topics = new Map<string, Open[]>();
    for (const open of sent) {
      const { topicId } = open.partition;
      const group = topics.get(topicId) ?? [];
      group.push(open);
      topics.set(topicId, group);
    }
    return {
      brokerId: this.#options.selfId,
      brokerEpoch: this.#options.brokerEpoch(),
      topics: [...topics].map(([topicId, group]) => ({
        topicId,
        partitions: group.map(({ partition, proposal, leaderEpoch }) => ({
          index: partition.index,
          leaderEpoch,
          partitionEpoch: proposal.partitionEpoch,
          isr: proposal.isr,
        })),
      })),
    };
  }

  #isOpen(open: Open): boolean {
    return this.#open.get(open.partition) === open;
  }

  #settle(open: Open, answer: PartitionAnswer | undefined): void {
    if (answer === undefined || !this.#isOpen(open)) return;
    const error = errorName(answer.errorCode);
    switch (error) {
      case 'NONE':
      case 'NEW_LEADER_ELECTED':
        this.#open.delete(open.partition);
        this.#logger.info('The in-sync replicas changed', {
          topic: open.partition.topic,
          partition: open.partition.index,
          isr: answer.isr,
        });
        if (error === 'NONE') open.partition.become(stateAfter(open.partition, answer));
        break;
      case 'INELIGIBLE_REPLICA':
      case 'INVALID_REQUEST':
        // Refused before anything was written.
        this.#open.delete(open.partition);
        open.partition.withdrawProposal();
        break;
      case 'FENCED_LEADER_EPOCH':
      case 'UNKNOWN_TOPIC_ID':
      case 'UNKNOWN_TOPIC_OR_PARTITION':
        // An earlier try of ours may have been written: the controller's next state will tell.
        this.#open.delete(open.partition);
        break;
      default:
        // Stays open and is sent again, also with INVALID_UPDATE_VERSION: either a newer state is on its
        // way and ends the proposal, or nothing was written and no state would ever come. Example: (1) a
        // controller is deposed while it writes; (2) the next one finds the state as it was; (3) the
        // leader, waiting for another one, would never propose again.
        break;
    }
  }
}

/** Whether the partition still waits for exactly this proposal. */
function isCurrent({ partition, leaderEpoch, proposal }: Open): boolean {
  return (
    partition.isLeader &&
    partition.leaderEpoch === leaderEpoch &&
    partition.partitionEpoch === proposal.partitionEpoch
  );
}

function answerFor(open: Open, response: AlterPartitionResponse): PartitionAnswer | undefined {
  const topic = response.topics.find(({ topicId }) => topicId === open.partition.topicId);
  return topic?.partitions.find(({ index }) => index === open.partition.index);
}

function stateAfter(partition: Partition, answer: PartitionAnswer): PartitionState {
  return {
    ...partition.state,
    leader: answer.leader,
    leaderEpoch: answer.leaderEpoch,
    partitionEpoch: answer.partitionEpoch,
    isr: answer.isr,
  };
}
