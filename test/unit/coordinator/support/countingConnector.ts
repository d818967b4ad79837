/** Counts the writes of one broker, and stops the world at the one that the test names. */

import type {
  CoordinatorConnection,
  CoordinatorConnector,
  CoordinatorWrite,
} from '../../../../common/index.ts';

export type CrashMoment = 'before' | 'after';

export class WriteCounter {
  /** Writes that change something: proofs, which only check, are not counted. */
  count = 0;
  /** The write at which to crash; 0 for none. */
  crashAt = 0;
  moment: CrashMoment = 'before';
  crash: () => void = () => undefined;

  wrap(connector: CoordinatorConnector): CoordinatorConnector {
    return {
      connect: (options, listener) => this.#wrapConnection(connector.connect(options, listener)),
    };
  }

  #wrapConnection(inner: CoordinatorConnection): CoordinatorConnection {
    return {
      read: (operation) => inner.read(operation),
      write: (operation) => this.#pass([operation], () => inner.write(operation)),
      multi: (operations) => this.#pass(operations, () => inner.multi(operations)),
      reconnect: () => inner.reconnect(),
      close: () => inner.close(),
    };
  }

  async #pass<Result>(
    operations: readonly CoordinatorWrite[],
    send: () => Promise<Result>,
  ): Promise<Result> {
    if (operations.every(({ type }) => type === 'check')) return send();
    this.count += 1;
    if (this.crashAt === 0 || this.count !== this.crashAt) return send();
    this.crashAt = 0;
    if (this.moment === 'before') {
      this.crash();
      return new Promise(() => undefined);
    }
    const result = await send();
    this.crash();
    return result;
  }
}
