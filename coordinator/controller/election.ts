/**
 * Becoming the controller: one multi creates /controller and raises /controller_epoch, so that two
 * brokers can never both believe that they won the same epoch.
 */

import {
  type BrokerId,
  type ControllerEpoch,
  CoordinatorError,
  controllerEpoch,
} from '../../common/index.ts';
import { controllerEpochZnode, controllerZnode } from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';

export interface Mandate {
  readonly epoch: ControllerEpoch;
  /** Version of /controller_epoch: what every write of this controller checks. */
  readonly epochVersion: number;
}

/** Before the first controller: it raises this to 1. */
const EPOCH_BEFORE_FIRST = controllerEpoch(0);

/**
 * Tries once.
 *
 * @param nowMs wall clock, for people who read the znode.
 * @returns undefined where another broker is the controller.
 * @throws {CoordinatorError} CONNECTION_LOSS when it remained unknown; SESSION_EXPIRED.
 */
export async function tryElection(
  session: CoordinatorSession,
  candidate: { readonly brokerId: BrokerId; readonly nowMs: number },
): Promise<Mandate | undefined> {
  const { epoch: before, version } = await readOrCreateEpoch(session);
  const epoch = controllerEpoch(before + 1);
  const mandate = { epoch, epochVersion: version + 1 };
  try {
    await session.multi([
      {
        type: 'create',
        path: controllerZnode.path,
        data: controllerZnode.encode({
          brokerId: candidate.brokerId,
          electedMs: candidate.nowMs,
          kraftControllerEpoch: -1,
        }),
        ephemeral: true,
      },
      {
        type: 'setData',
        path: controllerEpochZnode.path,
        data: controllerEpochZnode.encode(epoch),
        version,
      },
    ]);
    return mandate;
  } catch (error) {
    if (!(error instanceof CoordinatorError)) throw error;
    const unclear = ['NODE_EXISTS', 'BAD_VERSION', 'CONNECTION_LOSS'].includes(error.code);
    if (!unclear) throw error;
    // The answer may have been lost on its way: then the znode is ours, with our epoch.
    if (await hasWon(session, mandate)) return mandate;
    if (error.code === 'CONNECTION_LOSS') throw error;
    return undefined;
  }
}

async function hasWon(session: CoordinatorSession, mandate: Mandate): Promise<boolean> {
  const [node, epoch] = await Promise.all([
    session.getData(controllerZnode.path),
    session.getData(controllerEpochZnode.path),
  ]);
  return (
    node !== undefined &&
    node.stat.ephemeralOwner === session.sessionId &&
    epoch !== undefined &&
    epoch.stat.version === mandate.epochVersion &&
    controllerEpochZnode.decode(epoch.data) === mandate.epoch
  );
}

async function readOrCreateEpoch(
  session: CoordinatorSession,
): Promise<{ epoch: ControllerEpoch; version: number }> {
  for (;;) {
    const content = await session.getData(controllerEpochZnode.path);
    if (content !== undefined) {
      return {
        epoch: controllerEpochZnode.decode(content.data),
        version: content.stat.version,
      };
    }
    try {
      await session.write({
        type: 'create',
        path: controllerEpochZnode.path,
        data: controllerEpochZnode.encode(EPOCH_BEFORE_FIRST),
      });
    } catch (error) {
      // Another broker made it, or we did without learning of it: read again.
      const made =
        error instanceof CoordinatorError &&
        (error.code === 'NODE_EXISTS' || error.code === 'CONNECTION_LOSS');
      if (!made) throw error;
    }
  }
}
