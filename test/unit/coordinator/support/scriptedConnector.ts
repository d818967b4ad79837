/** A raw connection by hand: the test sees every operation and answers it when and how it likes. */

import type {
  CoordinatorConnection,
  CoordinatorConnector,
  CoordinatorListener,
  CoordinatorRead,
  CoordinatorReadResult,
  CoordinatorWrite,
  CoordinatorWriteResult,
  ZnodeStat,
} from '../../../../common/index.ts';

export interface SeenOperation {
  readonly operations: readonly (CoordinatorRead | CoordinatorWrite)[];
  readonly isMulti: boolean;
  readonly sentMs: number;
  answer(result?: CoordinatorReadResult & CoordinatorWriteResult): void;
  fail(error: Error): void;
}

export class ScriptedConnection implements CoordinatorConnection {
  readonly listener: CoordinatorListener;
  readonly seen: SeenOperation[] = [];
  /** Called for each operation; what it does not answer stays open. */
  onOperation: (operation: SeenOperation) => void = () => undefined;
  reconnects = 0;
  closed = false;
  readonly #nowMs: () => number;

  constructor(listener: CoordinatorListener, nowMs: () => number) {
    this.listener = listener;
    this.#nowMs = nowMs;
  }

  read(operation: CoordinatorRead): Promise<CoordinatorReadResult> {
    return this.#see([operation], false);
  }

  write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult> {
    return this.#see([operation], false);
  }

  async multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]> {
    await this.#see(operations, true);
    return operations.map(() => ({}));
  }

  reconnect(): void {
    this.reconnects += 1;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #see(
    operations: readonly (CoordinatorRead | CoordinatorWrite)[],
    isMulti: boolean,
  ): Promise<CoordinatorReadResult & CoordinatorWriteResult> {
    return new Promise((resolve, reject) => {
      const operation: SeenOperation = {
        operations,
        isMulti,
        sentMs: this.#nowMs(),
        answer: (result = {}) => resolve(result),
        fail: reject,
      };
      this.seen.push(operation);
      this.onOperation(operation);
    });
  }
}

export class ScriptedConnector implements CoordinatorConnector {
  readonly connections: ScriptedConnection[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  connect(_options: unknown, listener: CoordinatorListener): CoordinatorConnection {
    const connection = new ScriptedConnection(listener, this.#nowMs);
    this.connections.push(connection);
    return connection;
  }

  get last(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('Nobody has connected');
    return connection;
  }
}

export const anyStat: ZnodeStat = {
  czxid: 1,
  mzxid: 1,
  version: 0,
  cversion: 0,
  ephemeralOwner: '0000000000000000',
  dataLength: 0,
  numChildren: 0,
};
