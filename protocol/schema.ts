/**
 * How the catalogue describes the body of a message.
 *
 * A body is MessagePack: every struct is an array of its fields in the order of the catalogue.
 * Fields are appended, never reordered or removed; a field's `since` is the API version that brought
 * it. A message of version v has exactly the fields with `since` <= v; a reader that knows newer
 * fields takes those as 0, false, null or empty, so give a new field a meaning that fits. Record
 * batches are not in the body: a `records` field holds only their length, the bytes follow the body
 * as raw attachments in the order of the fields.
 *
 * | schema   | in memory                               | in MessagePack                          |
 * |----------|-----------------------------------------|-----------------------------------------|
 * | boolean  | boolean                                 | bool                                    |
 * | int8..32 | number                                  | int                                     |
 * | int64    | number, a safe integer                  | int, or a whole float 64                |
 * | string   | string, at most 65535 UTF-8 bytes       | str                                     |
 * | bytes    | Uint8Array, owned by the caller         | bin                                     |
 * | records  | Uint8Array: a view on the attachments;  | length as uint, bytes in an attachment  |
 * |          | on encode also several                  |                                         |
 * | nullable | the inner type or null                  | nil or the inner form                   |
 * | array    | readonly array                          | array                                   |
 * | struct   | object                                  | array, positional                       |
 */

export interface Schema<T> {
  readonly kind:
    | 'boolean'
    | 'int8'
    | 'int16'
    | 'int32'
    | 'int64'
    | 'string'
    | 'bytes'
    | 'records'
    | 'nullable'
    | 'array'
    | 'struct';
  /** Only for the type system: the in-memory type. Never set. */
  readonly memory?: T;
}

export interface NullableSchema<T> extends Schema<T | null> {
  readonly kind: 'nullable';
  readonly inner: Schema<T>;
}

export interface ArraySchema<T> extends Schema<readonly T[]> {
  readonly kind: 'array';
  readonly element: Schema<T>;
}

export interface Field<T = unknown> {
  readonly schema: Schema<T>;
  /** One sentence for docs/protocol.md: meaning, unit, range. */
  readonly about: string;
  /** First version of the API that has the field. */
  readonly since: number;
}

export type Fields = Readonly<Record<string, Field>>;

export interface StructSchema<T> extends Schema<T> {
  readonly kind: 'struct';
  readonly fields: Fields;
}

type MemoryOf<S> = S extends Schema<infer T> ? T : never;
type StructMemory<F extends Fields> = { readonly [Name in keyof F]: MemoryOf<F[Name]['schema']> };

/** Bytes of record batches: one view when decoded; when encoded, chunks are allowed too. */
export type RecordsField = Uint8Array | readonly Uint8Array[];

export const boolean: Schema<boolean> = { kind: 'boolean' };
export const int8: Schema<number> = { kind: 'int8' };
export const int16: Schema<number> = { kind: 'int16' };
export const int32: Schema<number> = { kind: 'int32' };
export const int64: Schema<number> = { kind: 'int64' };
export const string: Schema<string> = { kind: 'string' };
export const bytes: Schema<Uint8Array> = { kind: 'bytes' };
export const records: Schema<RecordsField> = { kind: 'records' };

export function nullable<T>(inner: Schema<T>): NullableSchema<T> {
  return { kind: 'nullable', inner };
}

export function array<T>(element: Schema<T>): ArraySchema<T> {
  return { kind: 'array', element };
}

export function field<T>(schema: Schema<T>, about: string, since = 0): Field<T> {
  return { schema, about, since };
}

export function struct<F extends Fields>(fields: F): StructSchema<StructMemory<F>> {
  return { kind: 'struct', fields };
}

/** One API: a request and its response, in all their versions. */
export interface Api<Request = unknown, Response = unknown> {
  readonly key: number;
  readonly name: string;
  /** What the API does, for docs/protocol.md. */
  readonly about: string;
  readonly versions: { readonly min: number; readonly max: number };
  /** Who may call it: any client, or only brokers of the same cluster. */
  readonly audience: 'client' | 'broker';
  readonly request: StructSchema<Request>;
  readonly response: StructSchema<Response>;
}

export type RequestOf<A> = A extends Api<infer Request, infer _Response> ? Request : never;
export type ResponseOf<A> = A extends Api<infer _Request, infer Response> ? Response : never;

export function defineApi<Request, Response>(api: Api<Request, Response>): Api<Request, Response> {
  return api;
}
