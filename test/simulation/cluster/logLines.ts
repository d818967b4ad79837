/** What the programs logged: the last lines are shown when a seed fails. */

import type { LogFields, Logger, LogLevel } from '../../../common/index.ts';
import type { SimNode } from '../kernel/index.ts';

const LINES_MAX = Number(process.env['SIM_LINES'] ?? 200);

export class LogLines {
  /** Put into words only when somebody looks. */
  readonly #lines: (() => string)[] = [];
  readonly #nowMs: () => number;

  /** @param nowMs virtual time. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A logger of the program that runs on `node` now; silent once that has crashed. */
  logger(node: SimNode): Logger {
    const { process } = node;
    return this.#child(node.name, {}, () => !process.isDead);
  }

  add(source: string, message: string, more: () => string = () => ''): void {
    const nowMs = this.#nowMs();
    this.#lines.push(() => `${nowMs.toFixed(3).padStart(12)} ${source} ${message}${more()}`);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  toString(): string {
    return this.#lines.map((line) => line()).join('\n');
  }

  #child(source: string, fields: LogFields, isAlive: () => boolean): Logger {
    const log =
      (level: LogLevel) =>
      (message: string, more: LogFields = {}): void => {
        if (!isAlive()) return;
        this.add(source, `${level} ${message}`, () => shown({ ...fields, ...more }));
      };
    return {
      error: log('error'),
      warn: log('warn'),
      info: log('info'),
      debug: log('debug'),
      child: (component, more = {}) =>
        this.#child(`${source} [${component}]`, { ...fields, ...more }, isAlive),
    };
  }
}

function shown(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${value instanceof Error ? value.stack : String(value)}`)
    .join('');
}
