/**
 * What a starter and its children say to each other over their IPC channel. The channel is also how
 * a child learns that its starter is dead, even by kill -9: the operating system closes it.
 */

/** Set in the environment of a child: its standard input and output are the starter's business. */
export const CHILD_VARIABLE = 'ODRADEK_STARTED_BY';

/** From the starter. */
export interface StopMessage {
  readonly type: 'stop';
}

/** From a broker, once it is registered and serves. */
export interface BrokerReady {
  readonly type: 'ready';
  readonly clusterId: string;
  readonly native: string;
  /** The first Kafka listener; null without one. */
  readonly kafka: string | null;
  /** null without an admin endpoint. */
  readonly admin: string | null;
}

/** From the coordinator, once it listens. */
export interface CoordinatorReady {
  readonly type: 'ready';
  readonly address: string;
}

export interface Supervision {
  /** Whether a starter runs this process. */
  readonly supervised: boolean;
  /** Tells the starter; nothing without one. */
  readonly tell: (message: BrokerReady | CoordinatorReady) => void;
}

/**
 * Joins the starter, if there is one.
 *
 * @param onStop called when the starter asks for the end, or is gone. At most once.
 */
export function joinStarter(onStop: (reason: string) => void): Supervision {
  if (process.env[CHILD_VARIABLE] === undefined || process.send === undefined) {
    return { supervised: false, tell: () => undefined };
  }
  let stopped = false;
  const stop = (reason: string): void => {
    if (stopped) return;
    stopped = true;
    onStop(reason);
  };
  process.on('message', (message: StopMessage) => {
    if (message.type === 'stop') stop('the starter asks for it');
  });
  process.on('disconnect', () => stop('the starter is gone'));
  if (!process.connected) stop('the starter is gone');
  return {
    supervised: true,
    tell: (message) => {
      // A starter that died in this very moment is noticed by 'disconnect'.
      if (process.connected) process.send?.(message, () => undefined);
    },
  };
}
