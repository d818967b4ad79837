/**
 * The time during which this broker leads one partition of `__consumer_offsets`: everything that is
 * appended for its groups carries this epoch, so a coordinator that was deposed writes nothing.
 *
 * Why the epoch and not "do I lead" decides: (1) this broker leads at epoch 5 and validates a commit;
 * (2) it loses the partition and gets it back at epoch 7, and in between another coordinator moved
 * the group on; (3) the commit of epoch 5 is appended now, and would overwrite a newer offset.
 */

import { type ErrorName, ProtocolError } from '../../protocol/index.ts';
import type { GroupContext } from './groupContext.ts';

export interface Appended {
  readonly error: ErrorName;
  /** Of the first record; -1 with an error. */
  readonly baseOffset: number;
}

export class Leadership {
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly #context: GroupContext;
  #over = false;

  constructor(context: GroupContext, partition: number, leaderEpoch: number) {
    this.#context = context;
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
  }

  /**
   * Whether this broker leads at this very epoch. False as well while it may not act: where its
   * registration was renewed before another leader was elected, it leads on at the same epoch, and
   * nobody else can have written in between.
   */
  get holds(): boolean {
    return !this.#over && this.#context.log.leads(this.partition, this.leaderEpoch);
  }

  /** Whether it is over for good. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Another broker leads, or this one at another epoch. */
  end(): void {
    this.#over = true;
  }

  /**
   * Appends one batch; batches reach the log in the order of the calls. Never rejects.
   *
   * @returns when every in-sync replica holds it, or with the error of the log as it is.
   */
  async append(batch: Uint8Array): Promise<Appended> {
    if (!this.holds) return { error: 'NOT_LEADER_OR_FOLLOWER', baseOffset: -1 };
    const { log, options, logger } = this.#context;
    try {
      const baseOffset = await log.append(this.partition, batch, {
        leaderEpoch: this.leaderEpoch,
        timeoutMs: options.offsetsCommitTimeoutMs,
      });
      // It is replicated, but what it means for the groups is for the next coordinator to say.
      return this.holds
        ? { error: 'NONE', baseOffset }
        : { error: 'NOT_LEADER_OR_FOLLOWER', baseOffset: -1 };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      logger.debug('The offsets topic refuses a record', { partition: this.partition, error });
      return { error: error.code, baseOffset: -1 };
    }
  }
}
