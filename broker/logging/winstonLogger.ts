/**
 * Log lines by winston, to stderr: JSON for programs, or a line for people. Files and rotation are
 * the platform's business.
 *
 * Never per record. A disabled level costs a winston logger microseconds, so levels are checked
 * before winston is called.
 */

import type { LogFields, Logger, LogLevel } from '../../common/index.ts';

export interface LoggingOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Fields of every line, for example `brokerId`. */
  readonly fields: LogFields;
}

/** The part of winston that is used. */
interface Sink {
  log(level: string, message: string, fields: object): unknown;
}

const severities: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** Loads winston: it is not loaded by who only imports this file. */
export async function createLogger(options: LoggingOptions): Promise<Logger> {
  const { default: winston } = await import('winston');
  const { combine, timestamp, json, printf } = winston.format;
  const format = options.format === 'json' ? json() : printf((line) => textLine(line));
  const sink = winston.createLogger({
    level: options.level,
    format: combine(timestamp(), format),
    transports: [new winston.transports.Console({ stderrLevels: Object.keys(severities) })],
  });
  return new WinstonLogger(sink, severities[options.level], options.fields);
}

class WinstonLogger implements Logger {
  readonly #sink: Sink;
  readonly #severityMax: number;
  readonly #fields: LogFields;

  constructor(sink: Sink, severityMax: number, fields: LogFields) {
    this.#sink = sink;
    this.#severityMax = severityMax;
    this.#fields = fields;
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  child(component: string, fields: LogFields = {}): Logger {
    const merged = { ...this.#fields, ...fields, component };
    return new WinstonLogger(this.#sink, this.#severityMax, merged);
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (severities[level] > this.#severityMax) return;
    this.#sink.log(level, message, plain({ ...this.#fields, ...fields }));
  }
}

/** Errors as text with their cause: winston would write them as empty objects. */
function plain(fields: LogFields): LogFields {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    result[name] = value instanceof Error ? errorText(value) : value;
  }
  return result;
}

function errorText(error: Error): string {
  const text = error.stack ?? error.message;
  return error.cause instanceof Error ? `${text}\ncaused by ${errorText(error.cause)}` : text;
}

function textLine(line: Readonly<Record<string, unknown>>): string {
  const { timestamp, level, message, component, ...fields } = line;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  const parts = [timestamp, String(level).padEnd(5), component ?? '-', oneLine(String(message))];
  return [...parts, ...shown].join(' ');
}

function fieldText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value ?? null);
}

/** Text from outside, such as a client's name, must not be able to begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
