/** What a fuzzer says on one kind of listener. */

import type { SocketAddress } from '../../common/index.ts';
import type { FuzzRandom } from './fuzzRandom.ts';

export interface FuzzFrame {
  readonly bytes: Buffer;
  /** Bytes after it are no longer read as frames: the connection is of no more use. */
  readonly isLast: boolean;
}

/** A client that behaves, and must be served all the time. */
export interface GoodClient {
  /** One request that any broker answers at once. @throws when no answer comes. */
  call(): Promise<void>;
  close(): Promise<void>;
}

export interface FuzzDialect {
  /** What a connection begins with; empty where it begins with a spoiled frame. */
  opening(random: FuzzRandom): Buffer;
  maker(random: FuzzRandom): { next(): FuzzFrame };
  connectGood(address: SocketAddress): Promise<GoodClient>;
}
