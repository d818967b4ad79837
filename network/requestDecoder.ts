/** From the bytes of a frame to a request that may be served, or to the reason why not. */

import {
  type Api,
  decodeBody,
  type ErrorName,
  FRAME_HEADER_BYTES,
  FRAME_KIND_REQUEST,
  type FrameHeader,
  ProtocolError,
} from '../protocol/index.ts';
import type { ServerSession } from './serverSession.ts';

export type DecodedFrame =
  | { readonly api: Api; readonly body: unknown; readonly refusal?: never }
  | { readonly refusal: Refusal };

export interface Refusal {
  readonly error: ErrorName;
  readonly message: string;
  /** The decoder threw what it never should. */
  readonly isUnexpected?: boolean;
}

export class RequestDecoder {
  readonly #session: ServerSession;
  readonly #apisByKey: ReadonlyMap<number, Api>;

  constructor(session: ServerSession, apisByKey: ReadonlyMap<number, Api>) {
    this.#session = session;
    this.#apisByKey = apisByKey;
  }

  /**
   * @param bytes hold the whole frame at `position`. Records of the body are views on them.
   * Never throws, whatever the bytes are.
   */
  decode(header: FrameHeader, bytes: Buffer, position: number): DecodedFrame {
    const api = this.#apisByKey.get(header.apiKey);
    const refusal = this.#refusal(header, api);
    if (refusal !== undefined) return { refusal };
    // The session or the check of the key has refused what is not in the map.
    if (api === undefined) return { refusal: { error: 'UNKNOWN_API', message: 'No such API' } };
    const bodyPosition = position + FRAME_HEADER_BYTES;
    const bodyEnd = bodyPosition + header.bodyBytes;
    try {
      const body = bytes.subarray(bodyPosition, bodyEnd);
      const attachments = bytes.subarray(bodyEnd, position + header.frameBytes);
      return { api, body: decodeBody(api.request, header.apiVersion, body, attachments) };
    } catch (error) {
      // Whatever a stranger's bytes make the decoder throw, only that frame is refused.
      if (error instanceof ProtocolError) {
        return { refusal: { error: error.code, message: error.message } };
      }
      const message = error instanceof Error ? error.message : String(error);
      return { refusal: { error: 'INVALID_REQUEST', message, isUnexpected: true } };
    }
  }

  /** Why a frame with this header is not even decoded. */
  #refusal(header: FrameHeader, api: Api | undefined): Refusal | undefined {
    const { kind, apiKey, apiVersion } = header;
    if (kind !== FRAME_KIND_REQUEST) {
      return {
        error: 'INVALID_REQUEST',
        message: `A client sends frames of kind ${FRAME_KIND_REQUEST}, not ${kind}`,
      };
    }
    const early = this.#session.refusal(api);
    if (early !== undefined) return early;
    if (api === undefined) {
      return { error: 'UNKNOWN_API', message: `This listener serves no API with key ${apiKey}` };
    }
    const { min, max } = api.versions;
    if (apiVersion < min || apiVersion > max) {
      return {
        error: 'UNSUPPORTED_VERSION',
        message: `${api.name} is served at versions ${min} to ${max}, not ${apiVersion}`,
      };
    }
    if (api.audience === 'broker' && (this.#session.hello?.brokerId ?? -1) < 0) {
      return {
        error: 'CLUSTER_AUTHORIZATION_FAILED',
        message: `${api.name} is for brokers of the cluster only`,
      };
    }
    return undefined;
  }
}
