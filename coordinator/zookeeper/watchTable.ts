/**
 * Watches that last. ZooKeeper's fire once and tell only that something changed; here every event,
 * every reconnect and every new session leads to reading again with a new watch, so that a listener
 * may miss an intermediate content but never the last one.
 *
 *     1. read with watch -> content A       (the server sets the watch and reads in one step)
 *     2. change to B, then to C             (one event: the watch is gone after the first)
 *     3. read with watch -> content C       (B was never seen; a change after this read fires again)
 */

import {
  type CoordinatorConnection,
  CoordinatorError,
  type CoordinatorReadResult,
  type Logger,
  type Timers,
  type WatchEvent,
} from '../../common/index.ts';

export type WatchKind = 'data' | 'children';

/** Reads through the request queue. */
export type SubmitRead = (
  start: (connection: CoordinatorConnection) => Promise<CoordinatorReadResult>,
  what: string,
) => Promise<CoordinatorReadResult>;

/** A content, or undefined for an absent znode. */
export type WatchListener = (content: CoordinatorReadResult | undefined) => void;

interface Entry {
  readonly kind: WatchKind;
  readonly path: string;
  readonly listener: WatchListener;
  reading: boolean;
  /** Whether something may have changed since the read under way was sent. */
  dirty: boolean;
  closed: boolean;
  /** Tells two contents apart; undefined before the first. */
  lastSeen: string | undefined;
}

/** After a read that failed for another reason than a lost session. */
const RETRY_DELAY_MS = 1_000;

export class WatchTable {
  readonly #entries = new Map<string, Set<Entry>>();
  readonly #submit: SubmitRead;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #stopped = false;

  constructor(submit: SubmitRead, timers: Timers, logger: Logger) {
    this.#submit = submit;
    this.#timers = timers;
    this.#logger = logger;
  }

  /** @returns the function that ends the watch. */
  add(kind: WatchKind, path: string, listener: WatchListener): () => void {
    const entry: Entry = {
      kind,
      path,
      listener,
      reading: false,
      dirty: false,
      closed: false,
      lastSeen: undefined,
    };
    const entries = this.#entries.get(path) ?? new Set();
    this.#entries.set(path, entries.add(entry));
    this.#refresh(entry);
    return () => {
      entry.closed = true;
      entries.delete(entry);
      if (entries.size === 0) this.#entries.delete(path);
    };
  }

  onEvent(event: WatchEvent): void {
    for (const entry of this.#entries.get(event.path) ?? []) {
      const concerned =
        event.type === 'childrenChanged' ? entry.kind === 'children' : isOfNode(entry, event.type);
      if (concerned) this.#refresh(entry);
    }
  }

  /** After a reconnect or with a new session: the old watches are gone, anything may have changed. */
  refreshAll(): void {
    for (const entries of this.#entries.values()) {
      for (const entry of entries) this.#refresh(entry);
    }
  }

  /** Ends all watches. */
  stop(): void {
    this.#stopped = true;
    for (const entries of this.#entries.values()) {
      for (const entry of entries) entry.closed = true;
    }
    this.#entries.clear();
  }

  #refresh(entry: Entry): void {
    if (entry.closed || this.#stopped) return;
    if (entry.reading) {
      entry.dirty = true;
      return;
    }
    entry.reading = true;
    entry.dirty = false;
    this.#read(entry).then(
      (content) => {
        entry.reading = false;
        this.#deliver(entry, content);
        if (entry.dirty) this.#refresh(entry);
      },
      (error: Error) => {
        entry.reading = false;
        this.#onReadFailed(entry, error);
      },
    );
  }

  async #read(entry: Entry): Promise<CoordinatorReadResult | undefined> {
    const { path } = entry;
    const type = entry.kind === 'data' ? 'getData' : 'getChildren';
    for (;;) {
      try {
        return await this.#submit(
          (raw) => raw.read({ type, path, watch: true }),
          `${type} "${path}"`,
        );
      } catch (error) {
        if (!(error instanceof CoordinatorError) || error.code !== 'NO_NODE') throw error;
      }
      // Absent: only an `exists` sets a watch that tells of its creation.
      const { stat } = await this.#submit(
        (raw) => raw.read({ type: 'exists', path, watch: true }),
        `exists "${path}"`,
      );
      if (stat === undefined) return undefined;
    }
  }

  #deliver(entry: Entry, content: CoordinatorReadResult | undefined): void {
    const seen = fingerprint(entry.kind, content);
    if (entry.closed || seen === entry.lastSeen) return;
    entry.lastSeen = seen;
    entry.listener(content);
  }

  #onReadFailed(entry: Entry, error: Error): void {
    if (entry.closed || this.#stopped) return;
    // A new session reads everything again; reading now would only fail the same way.
    if (error instanceof CoordinatorError && error.code === 'SESSION_EXPIRED') return;
    this.#logger.warn('A watched znode could not be read; trying again', {
      path: entry.path,
      error: error.message,
    });
    this.#timers.set(RETRY_DELAY_MS, () => this.#refresh(entry), { keepsProcessAlive: false });
  }
}

/** Creation, deletion and data changes: a watch on children sees only the first two. */
function isOfNode(entry: Entry, type: Exclude<WatchEvent['type'], 'childrenChanged'>): boolean {
  return entry.kind === 'data' || type !== 'dataChanged';
}

function fingerprint(kind: WatchKind, content: CoordinatorReadResult | undefined): string {
  const { stat } = content ?? {};
  if (stat === undefined) return 'absent';
  return `${stat.czxid}:${kind === 'data' ? stat.version : stat.cversion}`;
}
