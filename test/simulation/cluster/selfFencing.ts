/**
 * Brokers that never fence themselves: they believe in their session whatever their clock says, and
 * go on leading when ZooKeeper has expired it, until a controller tells them otherwise. What was
 * acknowledged by acks=all must be safe all the same: leader epochs and the maximal ISR protect it.
 *
 * The methods of the classes are exchanged for the length of a run, so that no production code has
 * to ask whether it is simulated.
 */

import { ReplicaManager } from '../../../broker/replica/index.ts';
import { SessionProof } from '../../../coordinator/zookeeper/sessionProof.ts';

/** Runs one simulation; not two at a time. */
export async function withoutSelfFencing<Value>(run: () => Promise<Value>): Promise<Value> {
  const { stateAt } = SessionProof.prototype;
  const { fence, close } = ReplicaManager.prototype;
  // Before every deadline: what was proven once stays so until somebody says that it is over.
  SessionProof.prototype.stateAt = function neverLate(this: SessionProof) {
    return stateAt.call(this, Number.NEGATIVE_INFINITY);
  };
  ReplicaManager.prototype.fence = () => undefined;
  ReplicaManager.prototype.close = function closeFenced(this: ReplicaManager) {
    fence.call(this);
    close.call(this);
  };
  try {
    return await run();
  } finally {
    SessionProof.prototype.stateAt = stateAt;
    ReplicaManager.prototype.fence = fence;
    ReplicaManager.prototype.close = close;
  }
}
