/** One-shot watches: who waits for which path. */

import type { FiredWatch, SessionId } from './treeRequest.ts';

export class WatchTable {
  readonly #sessionsByPath = new Map<string, Set<SessionId>>();
  readonly #pathsBySession = new Map<SessionId, Set<string>>();

  /** Watches set, each (session, path) counted once. */
  get size(): number {
    let count = 0;
    for (const paths of this.#pathsBySession.values()) count += paths.size;
    return count;
  }

  /** A second watch of one session on one path is the same watch. */
  add(path: string, sessionId: SessionId): void {
    entry(this.#sessionsByPath, path).add(sessionId);
    entry(this.#pathsBySession, sessionId).add(path);
  }

  /**
   * Fires and removes the watches on `path`.
   *
   * @param into receives the events, in the order in which the watches were set.
   * @param except sessions that have been told already.
   * @returns the sessions that were told now.
   */
  fire(
    event: Pick<FiredWatch, 'type' | 'path'>,
    into: FiredWatch[],
    except?: ReadonlySet<SessionId>,
  ): ReadonlySet<SessionId> {
    const sessions = this.#sessionsByPath.get(event.path);
    if (sessions === undefined) return NOBODY;
    this.#sessionsByPath.delete(event.path);
    for (const sessionId of sessions) {
      this.#forget(sessionId, event.path);
      if (except?.has(sessionId) !== true) into.push({ sessionId, ...event });
    }
    return sessions;
  }

  /** The session's connection is gone, and with it what would have carried the events. */
  dropSession(sessionId: SessionId): void {
    for (const path of this.#pathsBySession.get(sessionId) ?? []) {
      const sessions = this.#sessionsByPath.get(path);
      sessions?.delete(sessionId);
      if (sessions?.size === 0) this.#sessionsByPath.delete(path);
    }
    this.#pathsBySession.delete(sessionId);
  }

  #forget(sessionId: SessionId, path: string): void {
    const paths = this.#pathsBySession.get(sessionId);
    paths?.delete(path);
    if (paths?.size === 0) this.#pathsBySession.delete(sessionId);
  }
}

const NOBODY: ReadonlySet<SessionId> = new Set();

function entry(map: Map<string, Set<string>>, key: string): Set<string> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}
