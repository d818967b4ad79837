/** One group on its coordinator: who is in it, how far it has got, and the timer that watches it. */

import type { Timer } from '../../common/index.ts';
import { groupStoreError } from './appendErrors.ts';
import { ClassicGroup, type ClassicGroupHost } from './classic/classicGroup.ts';
import type { GroupContext } from './groupContext.ts';
import { batchOf } from './groupRecords.ts';
import type { Leadership } from './leadership.ts';
import { newUuid } from './newUuid.ts';
import { GroupOffsets } from './offsets/groupOffsets.ts';
import {
  encodeGroupMetadataKey,
  encodeGroupMetadataValue,
  type StoredGroup,
} from './records/index.ts';

/** When to look again whether this broker may act. */
const HELD_BACK_MS = 1000;

export class GroupEntry {
  readonly groupId: string;
  readonly classic: ClassicGroup;
  readonly offsets: GroupOffsets;
  readonly #context: GroupContext;
  readonly #leadership: Leadership;
  readonly #onQuiet: (entry: GroupEntry) => void;
  #timer: Timer | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @param options.onQuiet called when time has passed and the group may have become void. */
  constructor(
    context: GroupContext,
    options: {
      readonly groupId: string;
      readonly leadership: Leadership;
      readonly stored?: StoredGroup | undefined;
      readonly offsets?: GroupOffsets | undefined;
      readonly onQuiet: (entry: GroupEntry) => void;
    },
  ) {
    const { groupId, stored } = options;
    this.groupId = groupId;
    this.#context = context;
    this.#leadership = options.leadership;
    this.#onQuiet = options.onQuiet;
    this.offsets = options.offsets ?? new GroupOffsets();
    const host = this.#host();
    this.classic =
      stored === undefined
        ? new ClassicGroup(groupId, host)
        : ClassicGroup.restore(groupId, stored, host);
  }

  /** Nothing is known of it but its name: it need not be kept, nor be removed from the log. */
  get isVoid(): boolean {
    const { classic, offsets } = this;
    return (
      classic.state === 'Empty' &&
      classic.generationId === 0 &&
      !classic.isAwaited &&
      offsets.isEmpty
    );
  }

  /** This broker coordinates the group no more, or the group is gone. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.classic.unload();
  }

  #host(): ClassicGroupHost {
    const { environment, options } = this.#context;
    return {
      clock: environment.clock,
      initialRebalanceDelayMs: options.initialRebalanceDelayMs,
      groupSizeMax: options.groupSizeMax,
      newMemberId: (prefix) => `${prefix}-${newUuid(environment.random)}`,
      store: (group, onStored) => {
        const record = {
          key: encodeGroupMetadataKey(this.groupId),
          value: encodeGroupMetadataValue(group),
        };
        const batch = batchOf([record], environment.clock.wallMs());
        this.#leadership
          .append(batch)
          .then(({ error }) => onStored(error === 'NONE' ? error : groupStoreError(error)))
          .catch(this.#context.onFatal);
      },
      wakeAt: (timeMs) => this.#wakeAt(timeMs),
    };
  }

  #wakeAt(timeMs: number): void {
    if (this.#closed || timeMs >= this.#wakeAtMs) return;
    const { clock, timers } = this.#context.environment;
    this.#timer?.cancel();
    this.#wakeAtMs = timeMs;
    const delayMs = Math.max(0, timeMs - clock.monotonicMs());
    this.#timer = timers.set(delayMs, () => this.#wake(), { keepsProcessAlive: false });
  }

  #wake(): void {
    if (this.#closed) return;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    if (!this.#leadership.holds) {
      // Nobody is dropped by a broker that may not act; it may yet hear that it leads on.
      this.#wakeAt(this.#context.environment.clock.monotonicMs() + HELD_BACK_MS);
      return;
    }
    this.classic.onTime();
    this.#onQuiet(this);
  }
}
