/**
 * How a configuration key is described: one table gives parsing, validation, defaults, the answer
 * to DescribeConfigs and docs/configuration.md.
 */

import { OdradekError } from '../../common/index.ts';

export type ConfigValue = number | string | boolean | readonly string[];

export interface ConfigType<T extends ConfigValue> {
  /** For the documentation: `int`, `long`, `boolean`, `string`, `list`. */
  readonly name: string;
  /** Values that are allowed, for the documentation. */
  readonly range: string;
  /** @throws {Error} saying what is wanted; the caller adds the key. */
  readonly parse: (text: string) => T;
}

export interface ConfigDefinition<T extends ConfigValue = ConfigValue> {
  /** Kafka's name where Kafka has the setting. */
  readonly name: string;
  readonly type: ConfigType<T>;
  /** undefined where the setting must be given, or is simply absent. */
  readonly defaultValue: T | undefined;
  /** What it does, in full sentences, with the unit. */
  readonly about: string;
  /** Whether the value is withheld wherever configuration is shown. */
  readonly sensitive?: boolean;
}

/** A configuration that cannot be trusted: names the key, the value and what is wanted. */
export class ConfigError extends OdradekError {
  override readonly name = 'ConfigError';

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super('INVALID_CONFIG', message, { details });
  }
}

const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = '9223372036854775807';

/** A whole number within [min, max]; `max` defaults to what the type holds. */
export function int(min: number, max: number = INT32_MAX): ConfigType<number> {
  return wholeNumber('int', min, max);
}

/** As `int`, up to 2^53 - 1. Kafka's Long.MAX_VALUE is taken as that. */
export function long(min: number, max: number = Number.MAX_SAFE_INTEGER): ConfigType<number> {
  return wholeNumber('long', min, max);
}

/** A decimal number within [min, max]. */
export function double(min: number, max: number): ConfigType<number> {
  const range = max === Number.MAX_VALUE ? `${min} and above` : `${min} to ${max}`;
  return {
    name: 'double',
    range,
    parse: (text) => {
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) throw new Error(`must be a number, ${range}`);
      if (value < min || value > max) throw new Error(`must be ${range}`);
      return value;
    },
  };
}

export const boolean: ConfigType<boolean> = {
  name: 'boolean',
  range: 'true, false',
  parse: (text) => {
    const lower = text.toLowerCase();
    if (lower === 'true') return true;
    if (lower === 'false') return false;
    throw new Error('must be true or false');
  },
};

export function string(range = 'any text'): ConfigType<string> {
  return {
    name: 'string',
    range,
    parse: (text) => {
      if (text === '') throw new Error('must not be empty');
      return text;
    },
  };
}

export function oneOf(...allowed: readonly string[]): ConfigType<string> {
  return {
    name: 'string',
    range: allowed.join(', '),
    parse: (text) => {
      if (!allowed.includes(text)) throw new Error(`must be one of ${allowed.join(', ')}`);
      return text;
    },
  };
}

export const list: ConfigType<readonly string[]> = {
  name: 'list',
  range: 'values separated by commas',
  parse: (text) => {
    const entries = text.split(',').map((entry) => entry.trim());
    if (entries.some((entry) => entry === '')) throw new Error('must not have an empty entry');
    return entries;
  },
};

/** Which replicas a throttle is for, in Kafka's form. */
export const throttledReplicas: ConfigType<readonly string[]> = {
  name: 'list',
  range: '*, or partition:broker entries separated by commas',
  parse: (text) => {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    const isSound =
      entries.every((entry) => /^\d+:\d+$/.test(entry)) ||
      (entries.length === 1 && entries[0] === '*');
    if (!isSound) throw new Error('must be * or a list such as 0:1,0:2,1:3 (partition:broker)');
    return entries;
  },
};

/** One or more of the allowed values, each once. */
export function someOf(...allowed: readonly string[]): ConfigType<readonly string[]> {
  return {
    name: 'list',
    range: `one or more of ${allowed.join(', ')}, separated by commas`,
    parse: (text) => {
      const entries = text.split(',').map((entry) => entry.trim());
      const isTwice = new Set(entries).size < entries.length;
      if (isTwice || entries.some((entry) => !allowed.includes(entry))) {
        throw new Error(`must be one or more of ${allowed.join(', ')}`);
      }
      return entries;
    },
  };
}

export function define<T extends ConfigValue>(
  definition: ConfigDefinition<T>,
): ConfigDefinition<T> {
  return definition;
}

/**
 * The value of one key, from text.
 *
 * @throws {ConfigError} naming key, value and the wanted range.
 */
export function parseConfigValue<T extends ConfigValue>(
  definition: ConfigDefinition<T>,
  text: string,
): T {
  try {
    return definition.type.parse(text.trim());
  } catch (error) {
    const shown = definition.sensitive ? '(withheld)' : `"${text}"`;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Invalid value ${shown} of "${definition.name}": it ${reason}`, {
      key: definition.name,
    });
  }
}

/** As it stands in a file: the inverse of `parseConfigValue`. */
export function formatConfigValue(value: ConfigValue): string {
  // What `parse` takes for the greatest number is said as Kafka says it.
  if (value === Number.MAX_SAFE_INTEGER) return INT64_MAX;
  return typeof value === 'object' ? value.join(',') : String(value);
}

function wholeNumber(name: string, min: number, max: number): ConfigType<number> {
  const unbounded = max === INT32_MAX || max === Number.MAX_SAFE_INTEGER;
  const range = unbounded ? `${min} and above` : `${min} to ${max}`;
  return {
    name,
    range,
    parse: (text) => {
      if (!/^-?\d+$/.test(text)) throw new Error(`must be a whole number, ${range}`);
      const saturated = text === INT64_MAX ? Number.MAX_SAFE_INTEGER : Number(text);
      if (!Number.isSafeInteger(saturated) || saturated < min || saturated > max) {
        throw new Error(`must be ${range}`);
      }
      return saturated;
    },
  };
}

/** Reads a key: its value, or its default. */
export type ConfigSource = <T extends ConfigValue>(
  definition: ConfigDefinition<T>,
) => T | undefined;

/** The same for keys that have a value. @throws {ConfigError} naming one that has none. */
export function requiredOf(
  read: ConfigSource,
): <T extends ConfigValue>(definition: ConfigDefinition<T>) => T {
  return (definition) => {
    const value = read(definition);
    if (value !== undefined) return value;
    throw new ConfigError(`The key "${definition.name}" is required`, { key: definition.name });
  };
}
