/** How a broker joins the cluster: cluster id, registration, broker epoch, registration anew. */

import type {
  BrokerEpoch,
  BrokerId,
  Environment,
  Logger,
  SocketAddress,
} from '../../common/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';

export interface MembershipOptions {
  readonly brokerId: BrokerId;
  /** Native endpoints as advertised, the first being the one that others use. Known before `register`. */
  readonly nativeEndpoints: readonly SocketAddress[];
  readonly adminEndpoints?: readonly SocketAddress[];
  readonly rack?: string;
}

/**
 *     const membership = new Membership(environment, session, logger)
 *     const clusterId = await membership.joinCluster()          // before the logs are trusted
 *     const epoch = await membership.register(options)          // once the listeners are open
 */
export declare class Membership {
  constructor(
    environment: Pick<Environment, 'clock' | 'timers' | 'random'>,
    session: CoordinatorSession,
    logger: Logger,
  );

  /** Undefined until `joinCluster` has resolved. */
  readonly clusterId: string | undefined;
  /** czxid of our registration; -1 while there is none. */
  readonly brokerEpoch: BrokerEpoch;

  /**
   * Makes the persistent paths, refuses what we may not join, and reads or creates /cluster/id.
   *
   * @throws {OdradekError} FOREIGN_CLUSTER: a live registration without our key, a migration to
   *   KRaft in progress, or a KRaft controller; names it.
   */
  joinCluster(): Promise<string>;
  /**
   * Registers /brokers/ids/N, again after every expiry until `close`.
   *
   * @throws {OdradekError} BROKER_ID_IN_USE naming the other's endpoint, after waiting at most one
   *   session timeout.
   */
  register(options: MembershipOptions): Promise<BrokerEpoch>;
  /** Called with the new epoch after each registration. */
  onRegistered(listener: (epoch: BrokerEpoch) => void): () => void;
  /** A registration anew was refused for good (another broker took the id): the broker must stop. */
  onRefused(listener: (error: Error) => void): () => void;
  /** Stops registering. The registration goes with the session. */
  close(): void;
}
