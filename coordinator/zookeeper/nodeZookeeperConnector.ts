/** The production connector: node-zookeeper-client, with its defects worked around. */

import type { CoordinatorConnector, Environment } from '../../common/index.ts';

/** Nothing of the client library is loaded until the first `connect`. */
export declare function nodeZookeeperConnector(
  environment: Pick<Environment, 'timers'>,
): CoordinatorConnector;
