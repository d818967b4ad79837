/** One node of the tree: what ZooKeeper keeps of it. */

import { type Acl, NO_SESSION, type SessionId, type TreeStat } from './treeRequest.ts';

export interface Znode {
  data: Uint8Array | null;
  acl: readonly Acl[];
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  /**
   * Children ever created here; the next sequential child's number.
   * Invariant: never goes back while the node lives, so that no sequential name comes twice.
   */
  childrenCreated: number;
  readonly ephemeralOwner: SessionId;
  /** Names, not paths. */
  readonly children: Set<string>;
}

/** A persistent node that nobody created: the root and ZooKeeper's own. */
export function builtInZnode(acl: readonly Acl[], children: readonly string[]): Znode {
  return {
    data: new Uint8Array(0),
    acl,
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctimeMs: 0,
    mtimeMs: 0,
    version: 0,
    aversion: 0,
    childrenCreated: 0,
    ephemeralOwner: NO_SESSION,
    children: new Set(children),
  };
}

export function statOf(node: Znode): TreeStat {
  const numChildren = node.children.size;
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version,
    // Every child was created, and all but those that still stand were deleted as well.
    cversion: node.childrenCreated * 2 - numChildren,
    aversion: node.aversion,
    ephemeralOwner: node.ephemeralOwner,
    dataLength: node.data?.length ?? 0,
    numChildren,
    pzxid: node.pzxid,
  };
}
