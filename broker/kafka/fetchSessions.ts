/**
 * Fetch sessions (KIP-227): the broker remembers what a consumer fetches, a request names only what
 * has changed, and an answer only what is new.
 *
 * A session is (id, epoch); each request carries the epoch after the last one, so that a lost answer
 * is noticed. There are so many sessions and no more: a flood of clients costs them their sessions,
 * not the broker its memory. Who gets none is served without.
 */

import type { Clock, Random } from '../../common/index.ts';
import type { ErrorName } from '../../protocol/index.ts';

/** A partition that a consumer fetches, and what it was last told of it. */
export interface FetchedPartition {
  /** Null while the id of a topic is not known here. */
  readonly topic: string | null;
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
}

/** What an answer said last; an incremental one leaves out a partition where it is the same. */
export interface ToldOffsets {
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
}

interface SessionEntry {
  partition: FetchedPartition;
  told: ToldOffsets | undefined;
}

export interface FetchSession {
  readonly id: number;
  readonly byTopicId: boolean;
  /** By topic and index, in the order in which they are served. */
  readonly entries: Map<string, SessionEntry>;
  nextEpoch: number;
  usedMs: number;
}

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly byTopicId: boolean;
  readonly partitions: readonly FetchedPartition[];
  readonly forgotten: readonly Pick<FetchedPartition, 'topic' | 'topicId' | 'index'>[];
}

/** What is to be fetched, and for which session. */
export interface OpenedFetch {
  readonly partitions: readonly FetchedPartition[];
  /** 0 without a session. */
  readonly sessionId: number;
  readonly session: FetchSession | undefined;
  /** Whether the answer names only what is new. */
  readonly isIncremental: boolean;
}

const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
const EPOCH_MAX = 2 ** 31 - 1;
/** A session that was not used for so long gives way to a new one. */
const EVICTABLE_MS = 120_000;

export class FetchSessions {
  readonly #environment: { readonly clock: Clock; readonly random: Random };
  readonly #countMax: number;
  /** The least recently used comes first. */
  readonly #sessions = new Map<number, FetchSession>();

  constructor(
    environment: { readonly clock: Clock; readonly random: Random },
    options: { readonly countMax: number },
  ) {
    this.#environment = environment;
    this.#countMax = options.countMax;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @returns the name of the error that answers the whole request, or what to fetch. */
  open(request: SessionRequest): OpenedFetch | ErrorName {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId);
      const session = sessionEpoch === INITIAL_EPOCH ? this.#create(request) : undefined;
      const { partitions } = request;
      return { partitions, sessionId: session?.id ?? 0, session, isIncremental: false };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return 'FETCH_SESSION_ID_NOT_FOUND';
    if (session.nextEpoch !== sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH';
    if (session.byTopicId !== request.byTopicId) return 'FETCH_SESSION_TOPIC_ID_ERROR';
    session.nextEpoch = nextEpoch(sessionEpoch);
    this.#touch(session);
    update(session, request);
    const partitions = [...session.entries.values()].map(({ partition }) => partition);
    return { partitions, sessionId, session, isIncremental: true };
  }

  #create(request: SessionRequest): FetchSession | undefined {
    if (request.partitions.length === 0 || !this.#makeRoom()) return undefined;
    let id: number;
    do id = this.#environment.random.below(EPOCH_MAX) + 1;
    while (this.#sessions.has(id));
    const { byTopicId, partitions } = request;
    const session = { id, byTopicId, entries: new Map(), nextEpoch: 1, usedMs: 0 };
    update(session, { partitions, forgotten: [] });
    this.#touch(session);
    return session;
  }

  #makeRoom(): boolean {
    if (this.#sessions.size < this.#countMax) return true;
    const [oldest] = this.#sessions.values();
    const nowMs = this.#environment.clock.monotonicMs();
    if (oldest === undefined || nowMs - oldest.usedMs < EVICTABLE_MS) return false;
    this.#sessions.delete(oldest.id);
    return true;
  }

  #touch(session: FetchSession): void {
    session.usedMs = this.#environment.clock.monotonicMs();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }
}

/**
 * Whether an incremental answer names the partition, which is noted as told then. One with records
 * goes to the end of the session, so that each gets its turn at the bytes of an answer.
 */
export function takesPart(
  session: FetchSession,
  partition: FetchedPartition,
  result: ToldOffsets & { readonly mustBeTold: boolean; readonly hasRecords: boolean },
): boolean {
  const key = keyOf(partition);
  const entry = session.entries.get(key);
  if (entry === undefined) return true;
  const { told } = entry;
  const isNew =
    told === undefined ||
    told.highWatermark !== result.highWatermark ||
    told.lastStableOffset !== result.lastStableOffset ||
    told.logStartOffset !== result.logStartOffset;
  if (!isNew && !result.mustBeTold && !result.hasRecords) return false;
  const { highWatermark, lastStableOffset, logStartOffset } = result;
  entry.told = { highWatermark, lastStableOffset, logStartOffset };
  if (result.hasRecords) {
    session.entries.delete(key);
    session.entries.set(key, entry);
  }
  return true;
}

function update(
  session: FetchSession,
  { partitions, forgotten }: Pick<SessionRequest, 'partitions' | 'forgotten'>,
): void {
  for (const partition of partitions) {
    const entry = session.entries.get(keyOf(partition));
    if (entry === undefined) session.entries.set(keyOf(partition), { partition, told: undefined });
    else entry.partition = partition;
  }
  for (const partition of forgotten) session.entries.delete(keyOf(partition));
}

function keyOf({
  topic,
  topicId,
  index,
}: Pick<FetchedPartition, 'topic' | 'topicId' | 'index'>): string {
  return `${topicId}/${topic ?? ''}/${index}`;
}

/** After the last one comes 1: 0 and -1 have a meaning of their own. */
function nextEpoch(epoch: number): number {
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}
