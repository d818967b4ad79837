/** `--log-level` and `--log-format` of the server commands. */

import type { Command } from 'commander';
import type { LogFields, Logger } from '../common/index.ts';
import { oneOf } from './parse.ts';

const levels = ['error', 'warn', 'info', 'debug'] as const;
const formats = ['text', 'json'] as const;

export interface LoggingFlags {
  readonly logLevel: (typeof levels)[number];
  readonly logFormat: (typeof formats)[number];
}

export function withLoggingFlags(command: Command, level: LoggingFlags['logLevel']): Command {
  return command
    .option(
      '--log-level <level>',
      `one of ${levels.join(', ')}`,
      oneOf('--log-level', levels),
      level,
    )
    .option('--log-format <format>', 'text or json', oneOf('--log-format', formats), 'text');
}

/** Loads winston. */
export async function openLogger(flags: LoggingFlags, fields: LogFields): Promise<Logger> {
  const { createLogger } = await import('../broker/logging/index.ts');
  return createLogger({ level: flags.logLevel, format: flags.logFormat, fields });
}
