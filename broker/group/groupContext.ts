/** What every part of the group coordinator needs of the broker around it. */

import type { Environment, Logger } from '../../common/index.ts';
import type { GroupCoordinatorOptions } from './groupOptions.ts';
import type { OffsetsLog } from './offsetsLog.ts';

export type GroupEnvironment = Pick<Environment, 'clock' | 'timers' | 'random'>;

export interface GroupSurroundings {
  /** Offsets of a topic that nobody knows are refused. */
  readonly topicExists: (topic: string) => boolean;
  /** A broken promise of the program. */
  readonly onFatal: (error: unknown) => void;
}

export interface GroupContext extends GroupSurroundings {
  readonly environment: GroupEnvironment;
  readonly options: GroupCoordinatorOptions;
  readonly log: OffsetsLog;
  readonly logger: Logger;
}
