/**
 * How the messages of the Kafka protocol are described.
 *
 * A struct is its fields in the order of the wire. A field says from which version to which version
 * of the API it exists, from which it may be null, and whether it travels as a tagged field. Tagged
 * fields exist only in flexible versions, which also make lengths compact and end every struct with
 * its tags (KIP-482); from which version an API is flexible stands in its catalogue entry.
 *
 * | type        | in memory                                    | on the wire, flexible in brackets   |
 * |-------------|----------------------------------------------|-------------------------------------|
 * | boolean     | boolean                                      | int8, 0 or 1                        |
 * | int8..int32 | number                                       | big-endian                          |
 * | int64       | number; what is not safe becomes the nearest | big-endian                          |
 * |             | safe integer                                 |                                     |
 * | float64     | number                                       | IEEE 754                            |
 * | uuid        | string, 22 characters of URL-safe base64     | 16 bytes                            |
 * | string      | string                                       | int16 [uvarint n + 1], UTF-8        |
 * | bytes       | Uint8Array: a view on what is decoded        | int32 [uvarint n + 1], bytes        |
 * | records     | the same; on encode also several, not copied | as bytes                            |
 * | array       | readonly array                               | int32 [uvarint n + 1], elements     |
 * | struct      | object                                       | fields; nullable: int8 -1 or 1 first|
 *
 * Null is the length -1 [0]. Decoded objects have every field of every version: one that the version
 * lacks has its default, or else 0, false, '' or []. On encode a field with a default may be left
 * out, and one that the version lacks is not written, so that handlers need not know versions.
 */

export type WireKind =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct';

/** `Out` is the type that decoding gives, `In` the one that encoding takes. */
export interface WireType<Out = unknown, In = unknown> {
  readonly kind: WireKind;
  /** Only for the type system. Never set. */
  readonly out?: Out;
  readonly in?: In;
}

export interface ArrayType<Out = unknown, In = unknown>
  extends WireType<readonly Out[], readonly In[]> {
  readonly kind: 'array';
  readonly element: WireType<Out, In>;
}

export interface StructType<Out = unknown, In = unknown> extends WireType<Out, In> {
  readonly kind: 'struct';
  readonly fields: WireFields;
}

export interface WireField<Out = unknown, In = unknown, Optional extends boolean = boolean> {
  readonly type: WireType<Out, In>;
  /** First and last version of the API that has the field. */
  readonly since: number;
  readonly until: number;
  /** First version in which it may be null. */
  readonly nullableSince: number;
  /** Number of the tag, or undefined for a field in the struct's sequence. */
  readonly tag: number | undefined;
  /** Undefined: encoding demands a value, decoding an older version gives 0, false, '' or []. */
  readonly default: unknown;
  readonly optional: Optional;
}

export type WireFields = Readonly<Record<string, WireField>>;

/** Records to be sent: chunks travel one after the other. */
export type RecordsInput = Uint8Array | readonly Uint8Array[];

/** What decoding a type gives. */
export type Decoded<T> = T extends WireType<infer Out, unknown> ? Out : never;
/** What encoding a type takes. */
export type Encodable<T> = T extends WireType<unknown, infer In> ? In : never;

type FieldOut<F> = F extends WireField<infer Out, unknown> ? Out : never;
type FieldIn<F> = F extends WireField<unknown, infer In> ? In : never;
type OptionalNames<F> = {
  [Name in keyof F]: F[Name] extends WireField<unknown, unknown, true> ? Name : never;
}[keyof F];
type StructOut<F> = { readonly [Name in keyof F]: FieldOut<F[Name]> };
type StructIn<F> = {
  readonly [Name in Exclude<keyof F, OptionalNames<F>>]: FieldIn<F[Name]>;
} & { readonly [Name in OptionalNames<F>]?: FieldIn<F[Name]> | undefined };

export const boolean: WireType<boolean, boolean> = { kind: 'boolean' };
export const int8: WireType<number, number> = { kind: 'int8' };
export const int16: WireType<number, number> = { kind: 'int16' };
export const int32: WireType<number, number> = { kind: 'int32' };
export const int64: WireType<number, number> = { kind: 'int64' };
export const float64: WireType<number, number> = { kind: 'float64' };
export const uuid: WireType<string, string> = { kind: 'uuid' };
export const string: WireType<string, string> = { kind: 'string' };
export const bytes: WireType<Uint8Array, Uint8Array> = { kind: 'bytes' };
export const records: WireType<Uint8Array, RecordsInput> = { kind: 'records' };

/** Stands for "no id" on the wire. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

export function array<Out, In>(element: WireType<Out, In>): ArrayType<Out, In> {
  return { kind: 'array', element };
}

export function struct<F extends WireFields>(fields: F): StructType<StructOut<F>, StructIn<F>> {
  return { kind: 'struct', fields };
}

interface FieldOptions {
  /** First version; 0 when absent. */
  readonly since?: number;
  /** Last version. */
  readonly until?: number;
  /** First version in which null is allowed. */
  readonly nullable?: number;
  readonly tag?: number;
}

/**
 * One field of a struct.
 *
 * @param options With a `default`, encoding may leave the field out. A tagged field needs one: it
 *   is the value whose tag is not written. A tagged struct takes null, in memory only.
 */
export function field<Out, In>(
  type: WireType<Out, In>,
  options: FieldOptions & { readonly nullable: number; readonly default: In | null },
): WireField<Out | null, In | null, true>;
export function field<Out, In>(
  type: WireType<Out, In>,
  options: FieldOptions & { readonly nullable: number },
): WireField<Out | null, In | null, false>;
export function field<Out, In>(
  type: WireType<Out, In>,
  options: FieldOptions & { readonly tag: number; readonly default: null },
): WireField<Out | null, In | null, true>;
export function field<Out, In>(
  type: WireType<Out, In>,
  options: FieldOptions & { readonly default: NoInfer<In> },
): WireField<Out, In, true>;
export function field<Out, In>(
  type: WireType<Out, In>,
  options?: FieldOptions,
): WireField<Out, In, false>;
export function field(
  type: WireType,
  options: FieldOptions & { readonly default?: unknown } = {},
): WireField {
  return {
    type,
    since: options.since ?? 0,
    until: options.until ?? Number.POSITIVE_INFINITY,
    nullableSince: options.nullable ?? Number.POSITIVE_INFINITY,
    tag: options.tag,
    default: options.default,
    optional: options.default !== undefined,
  };
}

/** Whether a message of that version has the field. */
export function isPresent({ since, until }: WireField, version: number): boolean {
  return version >= since && version <= until;
}
