/** What a broker checks and makes before it may join: a Kafka cluster and ours never mix. */

import { OdradekError } from '../../common/index.ts';
import {
  brokerIdsPath,
  brokerRegistrationZnode,
  controllerZnode,
  deleteTopicsPath,
  migrationPath,
  topicConfigsPath,
  topicsPath,
} from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';

/**
 * Refuses a cluster of Apache Kafka that is running or moving to KRaft. One that is stopped is
 * welcome: its topics become ours.
 *
 * @throws {OdradekError} FOREIGN_CLUSTER naming the znode and what to do.
 */
export async function refuseForeignCluster(session: CoordinatorSession): Promise<void> {
  if ((await session.exists(migrationPath)) !== undefined) {
    throw foreign(
      migrationPath,
      'this cluster is being moved to KRaft: finish or roll back the migration first',
    );
  }
  const controller = await session.getData(controllerZnode.path);
  if (controller !== undefined) {
    const { kraftControllerEpoch } = controllerZnode.decode(controller.data);
    if (kraftControllerEpoch !== -1) {
      throw foreign(
        controllerZnode.path,
        `a KRaft controller of epoch ${kraftControllerEpoch} leads this cluster`,
      );
    }
  }
  const ids = (await session.getChildren(brokerIdsPath))?.names ?? [];
  for (const id of ids) {
    const path = `${brokerIdsPath}/${id}`;
    const content = await session.getData(path);
    if (content === undefined) continue;
    const registration = brokerRegistrationZnode.decode(path, content.data);
    if (registration.odradek === undefined) {
      throw foreign(
        path,
        `a broker of Apache Kafka is running at ${registration.kafkaEndpoints.join(', ')}: ` +
          'stop all of them first, since clusters never mix',
      );
    }
  }
}

/** The paths that a Kafka 3.9 broker makes, as far as we use them, and the root itself. */
export async function ensurePersistentPaths(session: CoordinatorSession): Promise<void> {
  const paths = [
    '/',
    '/cluster',
    brokerIdsPath,
    topicsPath,
    topicConfigsPath,
    '/config/changes',
    deleteTopicsPath,
  ];
  for (const path of paths) await session.ensurePath(path);
}

function foreign(path: string, problem: string): OdradekError {
  return new OdradekError('FOREIGN_CLUSTER', `The znode "${path}" shows that ${problem}`, {
    details: { path },
  });
}
