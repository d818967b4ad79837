/** Everything that a tree holds, in a form that two trees can be compared by. */

import type { TreeState } from '../../../../coordinator/embedded/index.ts';

export function canonical(state: TreeState): unknown {
  const nodes = [...state.nodes].map(([path, node]) => ({
    path,
    ...node,
    data: node.data === null ? null : Buffer.from(node.data).toString('hex'),
    children: [...node.children].sort(),
  }));
  const sessions = [...state.sessions].map(([id, { timeoutMs, password, ephemerals }]) => ({
    id,
    timeoutMs,
    password: Buffer.from(password).toString('hex'),
    ephemerals: [...ephemerals].sort(),
  }));
  return {
    lastZxid: state.lastZxid,
    nodes: nodes.sort((one, other) => (one.path < other.path ? -1 : 1)),
    sessions: sessions.sort((one, other) => (one.id < other.id ? -1 : 1)),
  };
}
