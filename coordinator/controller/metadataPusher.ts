/** How the controller reaches brokers, and the loop that keeps one of them up to date. */

import type { BrokerEpoch, BrokerId, Logger, Timer, Timers } from '../../common/index.ts';
import { errorName, ProtocolError } from '../../protocol/index.ts';
import type { UpdateMetadataRequest, UpdateMetadataResponse } from './controllerEvents.ts';

/** A live broker as the pusher reaches it. */
export interface PushTarget {
  readonly id: BrokerId;
  readonly epoch: BrokerEpoch;
  readonly host: string;
  readonly port: number;
}

/** The way to one registration of one broker. Connects when first used, and again after a loss. */
export interface MetadataChannel {
  /** @throws {ProtocolError} when the answer did not come: the controller tries again. */
  push(request: UpdateMetadataRequest): Promise<UpdateMetadataResponse>;
  /** Idempotent. */
  close(): void;
}

export interface MetadataPusher {
  open(target: PushTarget): MetadataChannel;
}

export interface PushLoopParts {
  readonly channel: MetadataChannel;
  readonly target: PushTarget;
  /** @returns undefined where the broker is up to date. */
  readonly nextUpdate: (ackedVersion: number | undefined) => UpdateMetadataRequest | undefined;
  readonly onAcknowledged: (version: number, failedTopics: readonly string[]) => void;
  /** The broker has seen a newer controller. */
  readonly onDeposed: () => void;
  readonly timers: Timers;
  readonly logger: Logger;
}

const RETRY_DELAY_MS_MIN = 50;
const RETRY_DELAY_MS_MAX = 1_000;

/** One update on its way at a time; after any doubt a snapshot; until the broker leaves. */
export class PushLoop {
  readonly #parts: PushLoopParts;
  /** Undefined while it is not known where the broker stands. */
  #ackedVersion: number | undefined;
  #pushing = false;
  #closed = false;
  #failures = 0;
  #retryTimer: Timer | undefined;

  constructor(parts: PushLoopParts) {
    this.#parts = parts;
  }

  get target(): PushTarget {
    return this.#parts.target;
  }

  /** There may be something new. */
  wake(): void {
    if (this.#closed || this.#pushing || this.#retryTimer !== undefined) return;
    const update = this.#parts.nextUpdate(this.#ackedVersion);
    if (update === undefined) return;
    this.#pushing = true;
    this.#parts.channel.push(update).then(
      (response) => this.#after(() => this.#onResponse(update, response)),
      (error: unknown) => this.#after(() => this.#onError(error)),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#retryTimer?.cancel();
    this.#parts.channel.close();
  }

  #after(handle: () => void): void {
    this.#pushing = false;
    if (this.#closed) return;
    handle();
    this.wake();
  }

  #onResponse(update: UpdateMetadataRequest, response: UpdateMetadataResponse): void {
    if (response.errorCode === 0) {
      this.#failures = 0;
      this.#ackedVersion = update.version;
      this.#parts.onAcknowledged(update.version, response.failedTopics);
      return;
    }
    const error = errorName(response.errorCode);
    const neededSnapshot = error === 'INVALID_REQUEST' && this.#ackedVersion !== undefined;
    this.#ackedVersion = undefined;
    if (error === 'STALE_CONTROLLER_EPOCH') {
      this.close();
      this.#parts.onDeposed();
      return;
    }
    // It stands elsewhere than we believed: the snapshot goes at once.
    if (!neededSnapshot) this.#retryLater(error);
  }

  #onError(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#ackedVersion = undefined;
    this.#retryLater(error.message);
  }

  #retryLater(reason: string): void {
    const { id, host, port } = this.#parts.target;
    const delayMs = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** this.#failures);
    this.#failures += 1;
    this.#parts.logger.debug('A broker has not taken the metadata; trying again', {
      broker: id,
      endpoint: `${host}:${port}`,
      reason,
    });
    this.#retryTimer = this.#parts.timers.set(delayMs, () => {
      this.#retryTimer = undefined;
      this.wake();
    });
  }
}
