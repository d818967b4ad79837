/**
 * The face of logging. Production logs through winston (`broker/logging`), tests collect lines.
 * Nothing is ever logged per record, and no field holds a secret or a record's content.
 */

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds `component` and these fields to every line. */
  child(component: string, fields?: LogFields): Logger;
}

/** Drops every line: for the SDK, which reports by errors, and for tests that look elsewhere. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
