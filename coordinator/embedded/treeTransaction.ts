/**
 * One transaction on the tree: steps that all happen or none.
 *
 * The checks and their order are ZooKeeper's (PrepRequestProcessor), since the order decides which
 * error a client sees when several would fit.
 */

import { assert, unreachable } from '../../common/index.ts';
import { Refusal, refuse } from './refusal.ts';
import {
  type Acl,
  type CheckRequest,
  type CreateRequest,
  type DeleteRequest,
  type FiredWatch,
  type MultiOperation,
  type MultiResult,
  NO_SESSION,
  OPEN_ACL,
  PERMISSION,
  type RequestContext,
  type SetDataRequest,
  type TreeResults,
  type WriteRequest,
} from './treeRequest.ts';
import type { TreeStore } from './treeStore.ts';
import { builtInZnode, statOf, type Znode } from './znode.ts';
import { parentPath, pathFault } from './znodePath.ts';

/** What happened to a node: decides which watches fire. */
export interface NodeChange {
  readonly type: Exclude<FiredWatch['type'], 'childrenChanged'>;
  readonly path: string;
}

const UNDELETABLE = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);

export class TreeTransaction {
  /** In the order in which they happened. Watches fire for them once all steps are done. */
  readonly changes: NodeChange[] = [];
  readonly #store: TreeStore;
  readonly #context: RequestContext;
  readonly #zxid: number;
  /** Inverse steps, run from the last to the first when the transaction cannot be completed. */
  readonly #undo: (() => void)[] = [];

  constructor(store: TreeStore, context: RequestContext) {
    this.#store = store;
    this.#context = context;
    this.#zxid = store.lastZxid + 1;
  }

  /**
   * Does all steps of the request and counts the transaction.
   *
   * @throws {Refusal} when a step cannot be done; the tree is as it was before.
   */
  run(request: WriteRequest): TreeResults[WriteRequest['type']] {
    try {
      const result = this.#step(request);
      this.#store.lastZxid = this.#zxid;
      return result;
    } catch (error) {
      for (const inverse of this.#undo.reverse()) inverse();
      throw error;
    }
  }

  #step(request: WriteRequest): TreeResults[WriteRequest['type']] {
    switch (request.type) {
      case 'create':
        return this.#create(request);
      case 'delete':
        return this.#delete(request);
      case 'setData':
        return this.#setData(request);
      case 'check':
        return this.#check(request);
      case 'setAcl':
        return this.#setAcl(request);
      case 'multi':
        return this.#multi(request.operations);
      case 'createSession':
        return this.#createSession(request);
      case 'closeSession':
        return this.#closeSession();
      default:
        return unreachable(request);
    }
  }

  #create(request: CreateRequest): TreeResults['create'] {
    const { acl = OPEN_ACL, sequential = false } = request;
    if (!request.path.includes('/') || request.path.includes('\0')) refuse('BAD_ARGUMENTS');
    checkAcl(acl);
    const parent = this.#require(parentPath(request.path));
    permit(parent, PERMISSION.create);
    const number = String(parent.childrenCreated).padStart(10, '0');
    const path = sequential ? request.path + number : request.path;
    if (pathFault(path) !== undefined) refuse('BAD_ARGUMENTS');
    if (this.#store.nodes.has(path)) refuse('NODE_EXISTS');
    if (parent.ephemeralOwner !== NO_SESSION) refuse('NO_CHILDREN_FOR_EPHEMERALS');

    const node = this.#newNode(request, acl);
    const { pzxid } = parent;
    this.#store.attach(path, node);
    parent.childrenCreated += 1;
    parent.pzxid = this.#zxid;
    this.#undo.push(() => {
      parent.pzxid = pzxid;
      parent.childrenCreated -= 1;
      this.#store.detach(path, node);
    });
    this.changes.push({ type: 'created', path });
    return { path, stat: statOf(node) };
  }

  #newNode({ data, ephemeral = false }: CreateRequest, acl: readonly Acl[]): Znode {
    const { sessionId, timeMs } = this.#context;
    return {
      ...builtInZnode(acl, []),
      data,
      czxid: this.#zxid,
      mzxid: this.#zxid,
      pzxid: this.#zxid,
      ctimeMs: timeMs,
      mtimeMs: timeMs,
      ephemeralOwner: ephemeral ? sessionId : NO_SESSION,
    };
  }

  #delete({ path, version }: DeleteRequest): undefined {
    if (!path.includes('/') || path.includes('\0') || UNDELETABLE.has(path)) {
      refuse('BAD_ARGUMENTS');
    }
    const parent = this.#require(parentPath(path));
    permit(parent, PERMISSION.delete);
    const node = this.#require(path);
    checkVersion(node.version, version);
    if (node.children.size > 0) refuse('NOT_EMPTY');
    this.#remove(path, node);
  }

  #remove(path: string, node: Znode): void {
    const parent = this.#require(parentPath(path));
    const { pzxid } = parent;
    this.#store.detach(path, node);
    parent.pzxid = this.#zxid;
    this.#undo.push(() => {
      parent.pzxid = pzxid;
      this.#store.attach(path, node);
    });
    this.changes.push({ type: 'deleted', path });
  }

  #setData({ path, data, version }: SetDataRequest): TreeResults['setData'] {
    if (pathFault(path) !== undefined) refuse('BAD_ARGUMENTS');
    const node = this.#require(path);
    permit(node, PERMISSION.write);
    checkVersion(node.version, version);
    const before = { ...node };
    this.#store.replaceData(node, data);
    node.version = nextVersion(node.version);
    node.mzxid = this.#zxid;
    node.mtimeMs = this.#context.timeMs;
    this.#undo.push(() => {
      this.#store.replaceData(node, before.data);
      node.version = before.version;
      node.mzxid = before.mzxid;
      node.mtimeMs = before.mtimeMs;
    });
    this.changes.push({ type: 'dataChanged', path });
    return { stat: statOf(node) };
  }

  #check({ path, version }: CheckRequest): undefined {
    if (pathFault(path) !== undefined) refuse('BAD_ARGUMENTS');
    const node = this.#require(path);
    permit(node, PERMISSION.read);
    checkVersion(node.version, version);
  }

  #setAcl({ path, acl, version }: WriteRequest & { type: 'setAcl' }): TreeResults['setAcl'] {
    if (pathFault(path) !== undefined) refuse('BAD_ARGUMENTS');
    checkAcl(acl);
    const node = this.#require(path);
    permit(node, PERMISSION.admin);
    checkVersion(node.aversion, version);
    // The last step of its transaction (no multi holds it), so nothing is to be undone.
    node.acl = acl;
    node.aversion = nextVersion(node.aversion);
    return { stat: statOf(node) };
  }

  #multi(operations: readonly MultiOperation[]): readonly MultiResult[] {
    return operations.map((operation, index) => {
      try {
        const result = this.#step(operation);
        return { type: operation.type, ...result } as MultiResult;
      } catch (error) {
        throw error instanceof Refusal ? error.inMulti(index) : error;
      }
    });
  }

  #createSession(request: WriteRequest & { type: 'createSession' }): TreeResults['createSession'] {
    // Made from the zxid, so that no id comes twice in the life of a data directory.
    const sessionId = `01${this.#zxid.toString(16).padStart(14, '0')}`;
    const { timeoutMs, password } = request;
    this.#store.sessions.set(sessionId, { timeoutMs, password, ephemerals: new Set() });
    return { sessionId };
  }

  #closeSession(): TreeResults['closeSession'] {
    const { sessionId } = this.#context;
    const session = this.#store.sessions.get(sessionId);
    assert(session !== undefined, 'Only an open session is closed', { sessionId });
    const deletedPaths = [...session.ephemerals];
    for (const path of deletedPaths) this.#remove(path, this.#require(path));
    this.#store.sessions.delete(sessionId);
    return { deletedPaths };
  }

  #require(path: string): Znode {
    return this.#store.nodes.get(path) ?? refuse('NO_NODE');
  }
}

/** Everybody is "world:anyone", and nobody is anything else: there is no authentication here. */
export function permit(node: Znode, permissions: number): void {
  if (!node.acl.some((acl) => (acl.permissions & permissions) !== 0)) refuse('NO_AUTH');
}

/** Any other scheme would be stored but not enforced, so it is refused instead. */
function checkAcl(acl: readonly Acl[]): void {
  const sound = acl.every(({ scheme, id }) => scheme === 'world' && id === 'anyone');
  if (acl.length === 0 || !sound) refuse('INVALID_ACL');
}

function checkVersion(current: number, expected: number): void {
  if (expected !== -1 && expected !== current) refuse('BAD_VERSION');
}

/** Wraps as a Java int does, but skips -1, which would mean "any". */
function nextVersion(version: number): number {
  const next = (version + 1) | 0;
  return next === -1 ? 0 : next;
}
