/** What the handlers of the Kafka listeners are given: the services that the native API calls too. */

import type { Environment, Logger } from '../../common/index.ts';
import type { ControllerChannel, FetchHandler, ProduceHandler } from '../api/index.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { GroupService } from '../group/index.ts';
import type { LogManager } from '../log/index.ts';
import type { ClusterImage } from '../metadata/index.ts';
import type { BrokerProbe } from '../metrics/index.ts';
import type { ReplicaManager } from '../replica/index.ts';
import type { TopicCreation } from './topicCreation.ts';

export interface KafkaParts {
  readonly environment: Pick<Environment, 'clock' | 'random'>;
  readonly logger: Logger;
  readonly config: BrokerConfig;
  readonly clusterId: string;
  readonly image: ClusterImage;
  readonly probe: BrokerProbe;
  readonly replicas: ReplicaManager;
  readonly logManager: LogManager;
  readonly channel: ControllerChannel;
  readonly produce: ProduceHandler;
  readonly fetch: FetchHandler;
  readonly topicCreation: TopicCreation;
  readonly groups: GroupService;
  /** An id that no other producer has. */
  readonly allocateProducerId: () => Promise<number>;
}
