/** One API of the Kafka protocol: a request and its response in all their versions. */

import type { Decoded, Encodable, StructType } from './schema.ts';

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export interface KafkaApi<
  RequestType extends StructType = StructType,
  ResponseType extends StructType = StructType,
> {
  readonly key: number;
  readonly name: string;
  /** What the ApiVersions answer says; null: the API is not advertised. */
  readonly advertised: VersionRange | null;
  /** What is decoded and answered. Narrower than `advertised` where clients look at it only. */
  readonly accepted: VersionRange;
  /** First flexible version; Infinity where there is none. */
  readonly flexibleFrom: number;
  readonly request: RequestType;
  readonly response: ResponseType;
}

/** What decoding a request gives: every field of every version. */
export type KafkaRequest<A> =
  A extends KafkaApi<infer RequestType, StructType> ? Decoded<RequestType> : never;
/** What a handler answers with. */
export type KafkaResponse<A> =
  A extends KafkaApi<StructType, infer ResponseType> ? Encodable<ResponseType> : never;
/** What `encodeRequest` takes. */
export type KafkaRequestInput<A> =
  A extends KafkaApi<infer RequestType, StructType> ? Encodable<RequestType> : never;
/** What `decodeResponse` gives. */
export type KafkaResponseOutput<A> =
  A extends KafkaApi<StructType, infer ResponseType> ? Decoded<ResponseType> : never;

interface ApiText<RequestType extends StructType, ResponseType extends StructType> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [min: number, max: number];
  /** Where it differs from `versions`; null: not advertised. */
  readonly advertised?: readonly [min: number, max: number] | null;
  readonly flexibleFrom: number;
  readonly request: RequestType;
  readonly response: ResponseType;
}

export function defineKafkaApi<RequestType extends StructType, ResponseType extends StructType>(
  text: ApiText<RequestType, ResponseType>,
): KafkaApi<RequestType, ResponseType> {
  const { key, name, versions, advertised = versions, flexibleFrom, request, response } = text;
  const range = ([min, max]: readonly [number, number]): VersionRange => ({ min, max });
  return {
    key,
    name,
    advertised: advertised === null ? null : range(advertised),
    accepted: range(versions),
    flexibleFrom,
    request,
    response,
  };
}
