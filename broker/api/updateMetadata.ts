/**
 * UpdateMetadata: what the controller decided, taken over one update at a time.
 *
 * The answer means that the broker has acted on it: new partitions take records, and the files of
 * deleted topics are renamed away, durably. The controller removes a topic's znodes only then.
 * Example of what would go wrong otherwise: (1) the broker answers before the rename is on disk;
 * (2) the controller removes the znodes, a topic of the same name is created; (3) the power fails
 * and the old directory is back, with nobody left to say that its records are dead.
 */

import type { ServerRequest } from '../../network/index.ts';
import {
  type ErrorName,
  errorCode,
  type RequestOf,
  type updateMetadataApi,
} from '../../protocol/index.ts';
import type { ClusterImage, ImageChanges } from '../metadata/index.ts';
import type { ReplicaManager } from '../replica/index.ts';

export class MetadataUpdates {
  readonly #image: ClusterImage;
  readonly #replicas: ReplicaManager;
  readonly #brokerEpoch: () => number;
  readonly #onApplied: (changes: ImageChanges) => void;
  readonly #onSnapshot: () => void;
  /** Settles when every update received so far has been taken over. */
  #applied: Promise<void> = Promise.resolve();

  constructor(
    parts: { readonly image: ClusterImage; readonly replicas: ReplicaManager },
    options: {
      readonly brokerEpoch: () => number;
      /** The replicas have taken over what an update changed. */
      readonly onApplied: (changes: ImageChanges) => void;
      readonly onSnapshot: () => void;
    },
  ) {
    this.#image = parts.image;
    this.#replicas = parts.replicas;
    this.#brokerEpoch = options.brokerEpoch;
    this.#onApplied = options.onApplied;
    this.#onSnapshot = options.onSnapshot;
  }

  handle(request: ServerRequest): Promise<void> {
    const handling = this.#applied.then(() => this.#handleNext(request));
    this.#applied = handling.catch(() => undefined);
    return handling;
  }

  async #handleNext(request: ServerRequest): Promise<void> {
    const update = request.body as RequestOf<typeof updateMetadataApi>;
    if (update.brokerEpoch !== this.#brokerEpoch()) {
      this.#refuse(request, 'STALE_BROKER_EPOCH');
      return;
    }
    const result = this.#image.apply(update);
    if (result.kind === 'staleController') this.#refuse(request, 'STALE_CONTROLLER_EPOCH');
    else if (result.kind === 'snapshotNeeded') this.#refuse(request, 'INVALID_REQUEST');
    else {
      const failedTopics = await this.#replicas.apply(result.changes);
      this.#onApplied(result.changes);
      if (result.changes.snapshot) this.#onSnapshot();
      request.respond({ errorCode: 0, version: this.#image.version, failedTopics });
    }
  }

  #refuse(request: ServerRequest, error: ErrorName): void {
    request.respond({
      errorCode: errorCode(error),
      version: this.#image.version,
      failedTopics: [],
    });
  }
}
