/**
 * From a request of a Kafka client to the handler of its API. Handlers decide nothing: they ask the
 * services that the native API asks too, and encode what comes back.
 */

import { AssertionError, type Logger } from '../../common/index.ts';
import { apiVersionsHandler } from './handlers/apiVersions.ts';
import { clusterHandlers } from './handlers/cluster.ts';
import { configHandlers } from './handlers/configs.ts';
import { findCoordinatorHandler } from './handlers/coordinators.ts';
import { fetchHandler } from './handlers/fetch.ts';
import { groupOffsetHandlers } from './handlers/groupOffsets.ts';
import { groupHandlers } from './handlers/groups.ts';
import { metadataHandler } from './handlers/metadata.ts';
import { offsetHandlers } from './handlers/offsets.ts';
import { produceHandler } from './handlers/produce.ts';
import { initProducerIdHandler } from './handlers/producers.ts';
import type { KafkaCallHandler, Registration } from './handlers/registry.ts';
import { replicaHandlers } from './handlers/replicas.ts';
import { topicHandlers } from './handlers/topics.ts';
import type { KafkaCall } from './kafkaCall.ts';
import type { KafkaHandler } from './kafkaFraming.ts';
import type { KafkaParts } from './kafkaParts.ts';
import type { KafkaApi } from './wire/index.ts';

export interface KafkaDispatcherOptions {
  /** Writes what the requests of one read appended. */
  readonly flushTurn: () => void;
  /** The program broke a promise of its own. */
  readonly onFatal: (error: unknown) => void;
}

export class KafkaDispatcher implements KafkaHandler {
  readonly served: ReadonlyMap<number, KafkaApi>;
  readonly #parts: KafkaParts;
  readonly #options: KafkaDispatcherOptions;
  readonly #logger: Logger;
  readonly #handlers: ReadonlyMap<number, KafkaCallHandler>;

  constructor(parts: KafkaParts, options: KafkaDispatcherOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#logger = parts.logger.child('kafka');
    const registrations = [
      ...registrationsOf(parts),
      apiVersionsHandler(() => this.served.values()),
    ];
    this.served = new Map(registrations.map(([api]) => [api.key, api]));
    this.#handlers = new Map(registrations.map(([api, handler]) => [api.key, handler]));
  }

  onCall(call: KafkaCall): void {
    this.#parts.probe.countRequest(`Kafka ${call.api.name}`);
    try {
      const handling = this.#handlers.get(call.api.key)?.(call);
      handling?.catch((error: unknown) => this.#fail(call, error));
    } catch (error) {
      this.#fail(call, error);
    }
  }

  onReceiveTurnEnd(): void {
    try {
      this.#options.flushTurn();
    } catch (error) {
      this.#options.onFatal(error);
    }
  }

  /** Handlers answer what they expect; for anything else the protocol has no answer. */
  #fail(call: KafkaCall, error: unknown): void {
    this.#logger.error('A request failed in a way that nothing expects', {
      api: call.api.name,
      apiVersion: call.apiVersion,
      error,
    });
    call.closeConnection('A request failed');
    if (error instanceof AssertionError) this.#options.onFatal(error);
  }
}

function registrationsOf(parts: KafkaParts): readonly Registration[] {
  return [
    metadataHandler(parts),
    produceHandler(parts),
    fetchHandler(parts),
    ...offsetHandlers(parts),
    initProducerIdHandler(parts),
    ...topicHandlers(parts),
    ...configHandlers(parts),
    ...clusterHandlers(parts),
    ...replicaHandlers(parts),
    findCoordinatorHandler(parts),
    ...groupHandlers(parts.groups),
    ...groupOffsetHandlers(parts),
  ];
}
