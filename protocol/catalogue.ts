/** All APIs of the native protocol, by key. docs/protocol.md is generated from this. */

import {
  alterConfigsApi,
  alterReassignmentsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeClusterApi,
  describeConfigsApi,
  electLeadersApi,
  initProducerIdApi,
  listReassignmentsApi,
} from './apis/admin.ts';
import { updateMetadataApi } from './apis/controller.ts';
import {
  describePartitionsApi,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
} from './apis/data.ts';
import {
  alterPartitionApi,
  controlledShutdownApi,
  logDirFailureApi,
  replicaFetchApi,
  replicaProgressApi,
} from './apis/replication.ts';
import { authenticateApi, helloApi } from './apis/session.ts';
import type { Api } from './schema.ts';

export const apiCatalogue: readonly Api[] = [
  helloApi,
  authenticateApi,
  metadataApi,
  produceApi,
  fetchApi,
  listOffsetsApi,
  describePartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeConfigsApi,
  alterConfigsApi,
  describeClusterApi,
  initProducerIdApi,
  createPartitionsApi,
  alterReassignmentsApi,
  listReassignmentsApi,
  electLeadersApi,
  updateMetadataApi,
  replicaFetchApi,
  replicaProgressApi,
  alterPartitionApi,
  controlledShutdownApi,
  logDirFailureApi,
];

const apisByKey: ReadonlyMap<number, Api> = new Map(apiCatalogue.map((api) => [api.key, api]));

/** @returns undefined for a key that this release does not know. */
export function apiByKey(key: number): Api | undefined {
  return apisByKey.get(key);
}
