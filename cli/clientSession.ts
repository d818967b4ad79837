/** What every command that talks to a cluster has in common: its flags, its client, its errors. */

import type { Command } from 'commander';
import type { Odradek } from '../client/index.ts';
import { OdradekError, systemErrorCode } from '../common/index.ts';
import { Output } from './output.ts';
import { brokerAddresses } from './parse.ts';

const defaultBrokers = '127.0.0.1:9192';
/** Well within the five seconds that users are promised, start of the command included. */
const CONNECT_MS_MAX = 2_500;

export interface ClientFlags {
  readonly brokers?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface ClientSession {
  readonly odradek: Odradek;
  readonly output: Output;
}

/** Adds `--brokers`, `--json` and `--quiet`. */
export function withClientFlags(command: Command): Command {
  return command
    .option(
      '--brokers <host:port,...>',
      `brokers to ask first (default: $ODRADEK_BROKERS, else ${defaultBrokers})`,
    )
    .option('--json', 'print JSON, one document a line')
    .option('--quiet', 'print results alone, no notes and no progress');
}

/**
 * Runs `work` with a client, and closes the client whatever happens.
 *
 * @throws what `work` throws; where no broker could be reached, an error that says what to do.
 */
export async function withClient(
  flags: ClientFlags,
  work: (session: ClientSession) => Promise<void>,
): Promise<void> {
  const given = flags.brokers ?? process.env['ODRADEK_BROKERS'];
  const brokers = brokerAddresses(given ?? defaultBrokers);
  const { Odradek } = await import('../client/index.ts');
  const odradek = new Odradek({
    brokers,
    clientId: 'odradek-cli',
    connectTimeoutMs: CONNECT_MS_MAX,
  });
  const output = new Output({ quiet: flags.quiet ?? false });
  try {
    await work({ odradek, output });
  } catch (error) {
    throw explainUnreachable(error, brokers);
  } finally {
    // What failed has been told already; closing must not hide it.
    await odradek.close().catch(() => undefined);
    output.flush();
  }
}

function explainUnreachable(error: unknown, brokers: readonly string[]): unknown {
  if (!(error instanceof OdradekError) || error.code !== 'NO_BROKER_AVAILABLE') return error;
  const message = `no broker at ${brokers.join(', ')} (${reason(error)}); start one with npm start`;
  return new OdradekError(error.code, message, { retriable: error.retriable, cause: error });
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ETIMEDOUT: 'no answer',
  REQUEST_TIMED_OUT: 'no answer',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'unknown host',
  EHOSTUNREACH: 'host unreachable',
};

/** The first cause, from the outside in, that says something about the connection. */
function reason(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const known = reasons[systemErrorCode(at) ?? ''];
    if (known !== undefined) return known;
  }
  return error instanceof Error ? error.message : String(error);
}
