/** Nodes and sessions of a tree, and the steps that keep the two in agreement. */

import { assert } from '../../common/index.ts';
import { type Acl, NO_SESSION, OPEN_ACL, PERMISSION, type SessionId } from './treeRequest.ts';
import { builtInZnode, type Znode } from './znode.ts';
import { nodeName, parentPath } from './znodePath.ts';

export interface TreeSession {
  readonly timeoutMs: number;
  /** Whoever resumes the session must show it. */
  readonly password: Uint8Array;
  /** Paths of its nodes, in the order of their creation. */
  readonly ephemerals: ReadonlySet<string>;
}

/** All that a snapshot holds. Watches are not in it: they end with their connections. */
export interface TreeState {
  /** Zxid of the last transaction; 0 in a new tree. */
  readonly lastZxid: number;
  /** By path; parents before their children. */
  readonly nodes: ReadonlyMap<string, Readonly<Znode>>;
  readonly sessions: ReadonlyMap<SessionId, TreeSession>;
}

interface MutableSession extends TreeSession {
  readonly ephemerals: Set<string>;
}

const READ_ONLY_ACL: readonly Acl[] = [
  { permissions: PERMISSION.read, scheme: 'world', id: 'anyone' },
];

export class TreeStore implements TreeState {
  /**
   * Invariant: the parent of every node is here and names it among its children. A node is put in
   * after its parent, so the order of the map is one in which the tree can be built again.
   */
  readonly nodes = new Map<string, Znode>();
  /** Invariant: `ephemerals` holds exactly the nodes whose `ephemeralOwner` is the session. */
  readonly sessions = new Map<SessionId, MutableSession>();
  /** Invariant: every transaction raises it by exactly 1. */
  lastZxid = 0;
  /** Bytes of data in all nodes. */
  dataBytes = 0;

  /** An empty tree: the root and the nodes that stand in every ZooKeeper. */
  static empty(): TreeStore {
    const store = new TreeStore();
    store.nodes.set('/', builtInZnode(OPEN_ACL, ['zookeeper']));
    store.nodes.set('/zookeeper', builtInZnode(OPEN_ACL, ['quota', 'config']));
    store.nodes.set('/zookeeper/quota', builtInZnode(OPEN_ACL, []));
    store.nodes.set('/zookeeper/config', builtInZnode(READ_ONLY_ACL, []));
    return store;
  }

  /** A copy of `state`, down to everything that changes. */
  static from(state: TreeState): TreeStore {
    const store = new TreeStore();
    for (const [path, node] of state.nodes) {
      store.nodes.set(path, { ...node, children: new Set(node.children) });
      store.dataBytes += node.data?.length ?? 0;
    }
    for (const [id, session] of state.sessions) {
      store.sessions.set(id, { ...session, ephemerals: new Set(session.ephemerals) });
    }
    store.lastZxid = state.lastZxid;
    return store;
  }

  /** Puts a new node under its parent, which must be there. */
  attach(path: string, node: Znode): void {
    const parent = this.nodes.get(parentPath(path));
    assert(parent !== undefined && !this.nodes.has(path), 'A new node needs a parent', { path });
    parent.children.add(nodeName(path));
    this.nodes.set(path, node);
    this.dataBytes += node.data?.length ?? 0;
    if (node.ephemeralOwner !== NO_SESSION) this.#owner(node).ephemerals.add(path);
  }

  /** Takes a node without children out of the tree. */
  detach(path: string, node: Znode): void {
    assert(node.children.size === 0, 'Only a node without children can go', { path });
    this.nodes.get(parentPath(path))?.children.delete(nodeName(path));
    this.nodes.delete(path);
    this.dataBytes -= node.data?.length ?? 0;
    if (node.ephemeralOwner !== NO_SESSION) this.#owner(node).ephemerals.delete(path);
  }

  replaceData(node: Znode, data: Uint8Array | null): void {
    this.dataBytes += (data?.length ?? 0) - (node.data?.length ?? 0);
    node.data = data;
  }

  #owner(node: Znode): MutableSession {
    const session = this.sessions.get(node.ephemeralOwner);
    assert(session !== undefined, 'An ephemeral node has a living owner', {
      owner: node.ephemeralOwner,
    });
    return session;
  }
}
