/** Collects log lines, so that a test can look for what was said. */

import type { LogFields, Logger, LogLevel } from '../../../../common/index.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export class CollectingLogger implements Logger {
  readonly lines: LogLine[] = [];

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  child(): Logger {
    return this;
  }

  /** Lines of this level, as text. */
  texts(level: LogLevel): string[] {
    return this.lines
      .filter((line) => line.level === level)
      .map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
  }
}
