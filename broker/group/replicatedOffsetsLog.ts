/** The partitions of `__consumer_offsets` that a broker leads, as the group coordinator sees them. */

import type { Environment, Timer } from '../../common/index.ts';
import { type ErrorName, ProtocolError } from '../../protocol/index.ts';
import type { AppendWaiter, Partition, ReplicaManager } from '../replica/index.ts';
import { OFFSETS_TOPIC, type OffsetsLog, type OffsetsRead } from './offsetsLog.ts';

export interface ReplicatedOffsetsLogParts {
  readonly replicas: Pick<ReplicaManager, 'find'>;
  /** Writes what was appended: the log's `flushTurn`. */
  readonly flushTurn: () => void;
}

/**
 * Gives the group coordinator its log. Appends of one turn of the event loop are written together,
 * at its end, as those of a produce request are.
 */
export function replicatedOffsetsLog(
  environment: Pick<Environment, 'timers'>,
  { replicas, flushTurn }: ReplicatedOffsetsLogParts,
): OffsetsLog {
  let flushing = false;

  function flushSoon(): void {
    if (flushing) return;
    flushing = true;
    environment.timers.afterTurn(() => {
      flushing = false;
      flushTurn();
    });
  }

  /** @throws {ProtocolError} NOT_LEADER_OR_FOLLOWER. */
  function led(index: number, leaderEpoch: number): Partition {
    const partition = replicas.find(OFFSETS_TOPIC, index);
    if (partition?.isLeader !== true || partition.leaderEpoch !== leaderEpoch) {
      throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    }
    return partition;
  }

  return {
    leads(index, leaderEpoch) {
      const partition = replicas.find(OFFSETS_TOPIC, index);
      return partition?.isLeader === true && partition.leaderEpoch === leaderEpoch;
    },

    append(index, batch, { leaderEpoch, timeoutMs }) {
      return new Promise((resolve, reject) => {
        const waiter = new CommittedWaiter(resolve, reject);
        const { baseOffset } = led(index, leaderEpoch).append({
          batch,
          acks: -1,
          expectedLeaderEpoch: leaderEpoch,
          waiter,
          slot: 0,
        });
        waiter.begin(
          baseOffset,
          environment.timers.set(timeoutMs, () => waiter.appendDone(0, 'REQUEST_TIMED_OUT')),
        );
        flushSoon();
      });
    },

    bounds(index, leaderEpoch) {
      const { log } = led(index, leaderEpoch);
      return { startOffset: log.logStartOffset, endOffset: log.logEndOffset };
    },

    async read(index, offset, { leaderEpoch, maxBytes }): Promise<OffsetsRead> {
      const partition = led(index, leaderEpoch);
      const { highWatermark } = partition;
      const { slices, release } = await partition.read({
        fetchOffset: offset,
        expectedLeaderEpoch: leaderEpoch,
        maxBytes,
        atLeastOneBatch: true,
        fromFollower: false,
      });
      const batches = Buffer.concat(slices);
      release?.();
      return { batches, highWatermark };
    },
  };
}

/** Settles one append: once, by whatever comes first. */
class CommittedWaiter implements AppendWaiter {
  readonly #resolve: (baseOffset: number) => void;
  readonly #reject: (error: ProtocolError) => void;
  #baseOffset = -1;
  #timer: Timer | undefined;

  constructor(resolve: (baseOffset: number) => void, reject: (error: ProtocolError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(baseOffset: number, timer: Timer): void {
    this.#baseOffset = baseOffset;
    this.#timer = timer;
  }

  appendDone(_slot: number, error: ErrorName | undefined): void {
    this.#timer?.cancel();
    if (error === undefined) this.#resolve(this.#baseOffset);
    else this.#reject(new ProtocolError(error));
  }
}
