/**
 * Producer ids, each given out once in the life of the cluster: every broker claims blocks of 1000
 * from ZooKeeper and hands them out from memory.
 *
 * A claim whose answer was lost is never used, even where the znode shows our broker: another
 * process under the same id (paused, and about to learn that it is dead) may have written the very
 * same text. At most 1000 of 2^53 ids are lost with it.
 *
 * The next block is claimed ahead of need: while ZooKeeper is away, new producers get ids all the same.
 */

import { type BrokerId, CoordinatorError, OdradekError } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { type ProducerIdBlock, producerIdBlockZnode } from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';

const BLOCK_SIZE = 1_000;
/** With fewer ids left the next block is claimed. */
const CLAIM_AHEAD_BELOW = BLOCK_SIZE / 2;
/** Other brokers that are faster, or lost answers, before the request is refused. */
const TRIES_MAX = 20;

/**
 *     const ids = new ProducerIds(session, { brokerId })
 *     const producerId = await ids.allocate()
 */
export class ProducerIds {
  readonly #session: CoordinatorSession;
  readonly #brokerId: BrokerId;
  #nextId = 0;
  /** Exclusive; equal to `#nextId` where the block is used up. */
  #endId = 0;
  /** Claimed, and used when the present one is used up. */
  #spare: ProducerIdBlock | undefined;
  /** The claim under way; there is one at a time. */
  #claiming: Promise<void> | undefined;

  constructor(session: CoordinatorSession, options: { readonly brokerId: BrokerId }) {
    this.#session = session;
    this.#brokerId = options.brokerId;
  }

  /**
   * An id that nobody else has or will get.
   *
   * @throws {ProtocolError} COORDINATOR_UNAVAILABLE: nothing was given out; try again later.
   */
  async allocate(): Promise<number> {
    for (;;) {
      if (this.#nextId === this.#endId && this.#spare !== undefined) {
        this.#nextId = this.#spare.firstId;
        this.#endId = this.#spare.lastId + 1;
        this.#spare = undefined;
      }
      if (this.#nextId < this.#endId) break;
      await this.#claimOnce();
    }
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#endId - this.#nextId < CLAIM_AHEAD_BELOW) this.claimAhead();
    return id;
  }

  /** Claims a block that will be needed. A failure is met by whoever needs it then. */
  claimAhead(): void {
    if (this.#spare === undefined) this.#claimOnce().catch(() => undefined);
  }

  #claimOnce(): Promise<void> {
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  async #claim(): Promise<void> {
    let failure: OdradekError | undefined;
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      try {
        this.#spare = await this.#tryClaim();
        return;
      } catch (error) {
        if (!(error instanceof OdradekError)) throw error;
        failure = error;
        if (!(error instanceof CoordinatorError) || !isPassing(error)) break;
      }
    }
    throw new ProtocolError(
      'COORDINATOR_UNAVAILABLE',
      `No producer id could be claimed from ZooKeeper: ${failure?.message ?? 'others were faster'}`,
    );
  }

  async #tryClaim(): Promise<ProducerIdBlock> {
    const { path } = producerIdBlockZnode;
    const standing = await this.#session.getData(path);
    const firstId =
      standing === undefined ? 0 : producerIdBlockZnode.decode(standing.data).lastId + 1;
    const block = { brokerId: this.#brokerId, firstId, lastId: firstId + BLOCK_SIZE - 1 };
    if (!Number.isSafeInteger(block.lastId)) {
      throw new OdradekError(
        'PRODUCER_IDS_EXHAUSTED',
        `No producer ids are left behind ${firstId}`,
      );
    }
    const data = producerIdBlockZnode.encode(block);
    await this.#session.write(
      standing === undefined
        ? { type: 'create', path, data }
        : { type: 'setData', path, data, version: standing.stat.version },
    );
    return block;
  }
}

/** Another broker was faster, or the answer was lost: what stands there now is read again. */
function isPassing({ code }: CoordinatorError): boolean {
  return ['BAD_VERSION', 'NODE_EXISTS', 'NO_NODE', 'CONNECTION_LOSS'].includes(code);
}
