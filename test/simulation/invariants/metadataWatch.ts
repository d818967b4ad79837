/** What brokers take from controllers never goes back: who was deposed is not listened to. */

import type { SimBroker } from '../cluster/simBroker.ts';

interface Seen {
  readonly incarnation: number;
  readonly controllerEpoch: number;
  readonly version: number;
}

export class MetadataWatch {
  readonly #seen = new Map<number, Seen>();

  /** @throws where a running broker has gone back to an older controller or version. */
  observe({ id, node, metadataVersion }: SimBroker): void {
    if (metadataVersion === undefined) return;
    const { controllerEpoch, version } = metadataVersion;
    const known = this.#seen.get(id);
    if (known?.controllerEpoch === controllerEpoch && known.version === version) return;
    const { incarnation } = node;
    this.#seen.set(id, { incarnation, controllerEpoch, version });
    if (known === undefined || known.incarnation !== incarnation) return;
    const isNewer =
      controllerEpoch > known.controllerEpoch ||
      (controllerEpoch === known.controllerEpoch && version > known.version);
    if (isNewer) return;
    const steps = `version ${known.version} of controller ${known.controllerEpoch}, then ${version} of ${controllerEpoch}`;
    throw new Error(`invariant MetadataRises: broker ${id} has ${steps}`);
  }
}
