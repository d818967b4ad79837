/** Which ports a start wants, and whether they are free: asked before anything runs. */

import { createServer } from 'node:net';
import { OdradekError, systemErrorCode } from '../../common/index.ts';
import { UsageError } from '../usageError.ts';

export interface PortWish {
  /** 0 means any free port. */
  readonly port: number;
  /** Flag that decides it. */
  readonly flag: string;
}

/** `first` for the first broker, counted up for the others; 0 stays 0. */
export function countUp(first: number, count: number, flag: string): readonly PortWish[] {
  if (first + count - 1 > 65_535) {
    throw new UsageError(`${flag} ${first} leaves no room for ${count} brokers below 65536`);
  }
  return Array.from({ length: count }, (_, index) => ({
    port: first === 0 ? 0 : first + index,
    flag,
  }));
}

/**
 * @throws {UsageError} two wishes are the same port.
 * @throws {OdradekError} PORT_IN_USE, naming port and flag.
 */
export async function assertPortsFree(host: string, wishes: readonly PortWish[]): Promise<void> {
  const seen = new Map<number, PortWish>();
  for (const wish of wishes.filter(({ port }) => port !== 0)) {
    const other = seen.get(wish.port);
    if (other !== undefined) {
      throw new UsageError(`${other.flag} and ${wish.flag} both take port ${wish.port}`);
    }
    seen.set(wish.port, wish);
  }
  for (const wish of seen.values()) await assertFree(host, wish);
}

async function assertFree(host: string, { port, flag }: PortWish): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port }, resolve);
    });
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE' && systemErrorCode(error) !== 'EACCES') throw error;
    const why = systemErrorCode(error) === 'EACCES' ? 'not allowed' : 'taken';
    throw new OdradekError(
      'PORT_IN_USE',
      `port ${port} is ${why}; choose another with ${flag}, or ${flag} 0 for any free port`,
      { cause: error },
    );
  } finally {
    server.close();
  }
}
