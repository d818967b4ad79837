/**
 * Reads the JSON of a znode without trust: whatever stands there, the reader gets a value of the
 * type it asked for or an error that names the znode and what is wrong with it.
 */

import { OdradekError } from '../../common/index.ts';

/**
 * The error for a znode that holds something else than it should.
 *
 * @param problem what is wrong, as half a sentence: '"version" is missing'.
 */
export function damagedZnode(path: string, problem: string, cause?: unknown): OdradekError {
  return new OdradekError(
    'ZNODE_DAMAGED',
    `The znode "${path}" cannot be understood: ${problem}. Repair it or remove it in ZooKeeper`,
    { details: { path, problem }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The members of one JSON object of a znode. */
export class ZnodeFields {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #prefix: string;

  private constructor(path: string, fields: Readonly<Record<string, unknown>>, prefix: string) {
    this.path = path;
    this.#fields = fields;
    this.#prefix = prefix;
  }

  /** @throws {OdradekError} ZNODE_DAMAGED where `data` is no JSON object in UTF-8. */
  static parse(path: string, data: Uint8Array): ZnodeFields {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
    } catch (error) {
      throw damagedZnode(path, 'its data is no JSON', error);
    }
    if (!isObject(value)) throw damagedZnode(path, 'its data is no JSON object');
    return new ZnodeFields(path, value, '');
  }

  get names(): readonly string[] {
    return Object.keys(this.#fields);
  }

  /** The members under other names than `known`, to be written back as they are. */
  others(known: readonly string[]): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(this.#fields).filter(([name]) => !known.includes(name)),
    );
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  /** A safe integer from `min` on. */
  integer(name: string, min: number): number {
    const value = this.#required(name);
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      throw this.#wrong(name, `must be an integer from ${min}, is ${show(value)}`);
    }
    return value as number;
  }

  string(name: string): string {
    const value = this.#required(name);
    if (typeof value !== 'string') throw this.#wrong(name, `must be a string, is ${show(value)}`);
    return value;
  }

  /** Undefined where absent or null. */
  optionalString(name: string): string | undefined {
    return this.#absent(name) ? undefined : this.string(name);
  }

  /** The version of the layout, one of `known`. */
  version(known: readonly number[]): number {
    return this.oneOf('version', known);
  }

  /** An integer that is one of `known`. */
  oneOf(name: string, known: readonly number[]): number {
    const value = this.integer(name, 0);
    if (!known.includes(value)) {
      throw this.#wrong(name, `must be one of ${known.join(', ')}, is ${value}`);
    }
    return value;
  }

  strings(name: string): readonly string[] {
    const value = this.#required(name);
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
      throw this.#wrong(name, `must be an array of strings, is ${show(value)}`);
    }
    return value;
  }

  /** Broker ids, each at most once. */
  brokerIds(name: string): readonly number[] {
    const value = this.#required(name);
    const sound =
      Array.isArray(value) &&
      value.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31) &&
      new Set(value).size === value.length;
    if (!sound) {
      throw this.#wrong(name, `must be an array of different broker ids, is ${show(value)}`);
    }
    return value as number[];
  }

  object(name: string): ZnodeFields {
    const value = this.#required(name);
    if (!isObject(value)) throw this.#wrong(name, `must be an object, is ${show(value)}`);
    return new ZnodeFields(this.path, value, `${this.#prefix}${name}.`);
  }

  /** An array of objects. */
  objects(name: string): readonly ZnodeFields[] {
    const value = this.#required(name);
    if (!Array.isArray(value) || !value.every(isObject)) {
      throw this.#wrong(name, `must be an array of objects, is ${show(value)}`);
    }
    return value.map(
      (each, index) => new ZnodeFields(this.path, each, `${this.#prefix}${name}[${index}].`),
    );
  }

  optionalObject(name: string): ZnodeFields | undefined {
    return this.#absent(name) ? undefined : this.object(name);
  }

  #absent(name: string): boolean {
    return !this.has(name) || this.#fields[name] === null;
  }

  #required(name: string): unknown {
    if (!this.has(name)) throw this.#wrong(name, 'is missing');
    return this.#fields[name];
  }

  #wrong(name: string, problem: string): OdradekError {
    return damagedZnode(this.path, `"${this.#prefix}${name}" ${problem}`);
  }
}

export function encodeJson(value: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in an error message: short, whatever it is. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
