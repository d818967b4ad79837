/**
 * ZooKeeper's data model as a pure state machine: requests in, answers and fired watches out.
 *
 * It has no clock, no randomness and no I/O, so that the same transactions always make the same
 * tree: the embedded coordinator recovers by replaying its journal, and the simulator runs whole
 * clusters on it. What must be durable before an answer leaves is the caller's business.
 */

import { CorruptionError, unreachable } from '../../common/index.ts';
import { Refusal, refuse } from './refusal.ts';
import {
  type FiredWatch,
  PERMISSION,
  type ReadRequest,
  type RequestContext,
  type SessionId,
  type Transaction,
  type TreeReply,
  type TreeRequest,
  type TreeResults,
  type WriteRequest,
} from './treeRequest.ts';
import { type TreeSession, type TreeState, TreeStore } from './treeStore.ts';
import { type NodeChange, permit, TreeTransaction } from './treeTransaction.ts';
import { WatchTable } from './watchTable.ts';
import { statOf, type Znode } from './znode.ts';
import { parentPath } from './znodePath.ts';

export class ZnodeTree {
  readonly #store: TreeStore;
  /** Watches of getData and exists, which ZooKeeper keeps together. */
  readonly #dataWatches = new WatchTable();
  readonly #childWatches = new WatchTable();

  /** @param state where the tree goes on from, for example a snapshot; copied. Empty if absent. */
  constructor(state?: TreeState) {
    this.#store = state === undefined ? TreeStore.empty() : TreeStore.from(state);
  }

  /** The state itself, not a copy: to be read before the next request. */
  get state(): TreeState {
    return this.#store;
  }

  /** Zxid of the last transaction; 0 in a new tree. */
  get lastZxid(): number {
    return this.#store.lastZxid;
  }

  get figures(): { nodes: number; ephemerals: number; watches: number; dataBytes: number } {
    const { nodes, sessions, dataBytes } = this.#store;
    let ephemerals = 0;
    for (const session of sessions.values()) ephemerals += session.ephemerals.size;
    const watches = this.#dataWatches.size + this.#childWatches.size;
    return { nodes: nodes.size, ephemerals, watches, dataBytes };
  }

  session(sessionId: SessionId): TreeSession | undefined {
    return this.#store.sessions.get(sessionId);
  }

  get sessionIds(): readonly SessionId[] {
    return [...this.#store.sessions.keys()];
  }

  /**
   * Carries out one request.
   *
   * A successful write is a transaction: `lastZxid` grew by one. A refused one changed nothing, and
   * unlike in ZooKeeper it takes no zxid either.
   *
   * @param context whose session asks, and the wall clock; see `RequestContext`.
   * @returns the answer. Refusals are answers too: nothing is thrown for bad input.
   */
  apply<R extends TreeRequest>(
    request: R,
    context: RequestContext,
  ): TreeReply<TreeResults[R['type']]> {
    const events: FiredWatch[] = [];
    try {
      if (request.type !== 'createSession' && this.session(context.sessionId) === undefined) {
        refuse('SESSION_EXPIRED');
      }
      const result = isRead(request)
        ? this.#read(request, context.sessionId, events)
        : this.#write(request, context, events);
      // The switches below give every request its own kind of result; the compiler cannot tell.
      const typed = result as TreeResults[R['type']];
      return { ok: true, result: typed, zxid: this.lastZxid, events };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const { error, failedIndex } = refusal;
      const failed = failedIndex === undefined ? {} : { failedIndex };
      return { ok: false, error, ...failed, zxid: this.lastZxid, events };
    }
  }

  /**
   * Repeats a transaction of the journal.
   *
   * @throws {CorruptionError} JOURNAL_OUT_OF_STEP when it does not follow on this tree.
   */
  replay(transaction: Transaction): void {
    const { zxid, request } = transaction;
    const before = this.lastZxid;
    const reply = zxid === before + 1 ? this.apply(request, transaction) : undefined;
    if (reply?.ok === true) return;
    throw new CorruptionError(
      'JOURNAL_OUT_OF_STEP',
      `Transaction ${zxid} (${request.type}) does not follow on a tree whose last is ${before}: ` +
        (reply?.error ?? 'its zxid is out of order'),
    );
  }

  /** To be called when a session's connection is gone: the client sets its watches anew. */
  dropWatches(sessionId: SessionId): void {
    this.#dataWatches.dropSession(sessionId);
    this.#childWatches.dropSession(sessionId);
  }

  #write(request: WriteRequest, context: RequestContext, events: FiredWatch[]) {
    const transaction = new TreeTransaction(this.#store, context);
    const result = transaction.run(request);
    for (const change of transaction.changes) this.#fire(change, events);
    if (request.type === 'closeSession') this.dropWatches(context.sessionId);
    return result;
  }

  #fire(change: NodeChange, events: FiredWatch[]): void {
    const { path } = change;
    const told = this.#dataWatches.fire(change, events);
    if (change.type === 'dataChanged') return;
    // A session that watches both the data and the children of a deleted node hears of it once.
    if (change.type === 'deleted') this.#childWatches.fire(change, events, told);
    this.#childWatches.fire({ type: 'childrenChanged', path: parentPath(path) }, events);
  }

  #read(request: ReadRequest, sessionId: SessionId, events: FiredWatch[]) {
    switch (request.type) {
      case 'exists':
        return this.#exists(request, sessionId);
      case 'getData': {
        const node = this.#require(request.path, PERMISSION.read);
        if (request.watch === true) this.#dataWatches.add(request.path, sessionId);
        return { data: node.data, stat: statOf(node) };
      }
      case 'getChildren': {
        const node = this.#require(request.path, PERMISSION.read);
        if (request.watch === true) this.#childWatches.add(request.path, sessionId);
        return { children: [...node.children], stat: statOf(node) };
      }
      case 'getAcl': {
        const node = this.#require(request.path, PERMISSION.read | PERMISSION.admin);
        return { acl: node.acl, stat: statOf(node) };
      }
      case 'sync':
        return { path: request.path };
      case 'setWatches':
        return this.#setWatches(request, sessionId, events);
      default:
        return unreachable(request);
    }
  }

  #exists({ path, watch }: ReadRequest & { type: 'exists' }, sessionId: SessionId) {
    if (path.includes('\0')) refuse('BAD_ARGUMENTS');
    // Absent or not: the watch then waits for the node to be created.
    if (watch === true) this.#dataWatches.add(path, sessionId);
    const node = this.#find(path);
    return node === undefined ? refuse('NO_NODE') : { stat: statOf(node) };
  }

  /** What happened since `relativeZxid` fires at once; the other watches are set. */
  #setWatches(
    request: ReadRequest & { type: 'setWatches' },
    sessionId: SessionId,
    events: FiredWatch[],
  ): undefined {
    const { relativeZxid } = request;
    const fire = (type: FiredWatch['type'], path: string) => events.push({ sessionId, type, path });
    for (const path of request.data) {
      const node = this.#store.nodes.get(path);
      if (node === undefined) fire('deleted', path);
      else if (node.mzxid > relativeZxid) fire('dataChanged', path);
      else this.#dataWatches.add(path, sessionId);
    }
    for (const path of request.exists) {
      if (this.#store.nodes.has(path)) fire('created', path);
      else this.#dataWatches.add(path, sessionId);
    }
    for (const path of request.children) {
      const node = this.#store.nodes.get(path);
      if (node === undefined) fire('deleted', path);
      else if (node.pzxid > relativeZxid) fire('childrenChanged', path);
      else this.#childWatches.add(path, sessionId);
    }
  }

  /** As in ZooKeeper, reads take the empty path for the root, and no other path is judged. */
  #find(path: string): Znode | undefined {
    return this.#store.nodes.get(path === '' ? '/' : path);
  }

  #require(path: string, permissions: number): Znode {
    const node = this.#find(path) ?? refuse('NO_NODE');
    permit(node, permissions);
    return node;
  }
}

function isRead(request: TreeRequest): request is ReadRequest {
  switch (request.type) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getAcl':
    case 'sync':
    case 'setWatches':
      return true;
    default:
      return false;
  }
}
