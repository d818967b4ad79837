/**
 * Gives away what this broker leads before it stops, so that nobody waits for its session to end.
 * Bounded: where the controller cannot help in time, the broker stops all the same.
 */

import type { Environment, Logger } from '../common/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { ControllerChannel } from './api/index.ts';

export interface ShutdownIdentity {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** All of it: the moves themselves take milliseconds, the election of another controller more. */
const PATIENCE_MS = 2_000;
const RETRY_MS = 100;

export async function giveAwayLeadership(
  environment: Pick<Environment, 'clock' | 'timers'>,
  channel: ControllerChannel,
  identity: ShutdownIdentity,
  logger: Logger,
): Promise<void> {
  const { clock, timers } = environment;
  const endMs = clock.monotonicMs() + PATIENCE_MS;
  for (let leftMs = PATIENCE_MS; leftMs > 0; leftMs = endMs - clock.monotonicMs()) {
    const asked = channel.controlledShutdown(identity, { timeoutMs: leftMs }).then(
      ({ errorCode, remaining }) => errorCode === 0 && remaining === 0,
      (error: unknown) => {
        if (!(error instanceof ProtocolError)) throw error;
        logger.debug('The controller does not take the shutdown yet', { error: error.message });
        return false;
      },
    );
    if (await within(timers, leftMs, asked)) return;
    const pauseMs = Math.min(RETRY_MS, endMs - clock.monotonicMs());
    if (pauseMs > 0) await new Promise<void>((resolve) => timers.set(pauseMs, resolve));
  }
  logger.warn('Stopping although this broker may lead partitions: no answer in time', {
    waitedMs: PATIENCE_MS,
  });
}

/** @returns false where it takes longer. */
async function within(
  timers: Environment['timers'],
  timeoutMs: number,
  asked: Promise<boolean>,
): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const deadline = new Promise<boolean>((resolve) => {
    const timer = timers.set(timeoutMs, () => resolve(false));
    cancel = () => timer.cancel();
  });
  try {
    return await Promise.race([asked, deadline]);
  } finally {
    cancel();
  }
}
