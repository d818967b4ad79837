/**
 * Producer ids, each given out once in the life of the cluster: every broker claims blocks of 1000
 * from ZooKeeper and hands them out from memory.
 *
 * A claim whose answer was lost is never used, even where the znode shows our broker: another
 * process under the same id (paused, and about to learn that it is dead) may have written the very
 * same text. At most 1000 of 2^53 ids are lost with it.
 */

import { type BrokerId, CoordinatorError, OdradekError } from '../../common/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { type ProducerIdBlock, producerIdBlockZnode } from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';

const BLOCK_SIZE = 1_000;
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
    while (this.#nextId === this.#endId) {
      this.#claiming ??= this.#claim().finally(() => {
        this.#claiming = undefined;
      });
      await this.#claiming;
    }
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  async #claim(): Promise<void> {
    let failure: OdradekError | undefined;
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      try {
        const block = await this.#tryClaim();
        this.#nextId = block.firstId;
        this.#endId = block.lastId + 1;
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
