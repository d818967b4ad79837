/** Frames of the answering side. */

import {
  type ErrorName,
  encodeFrame,
  errorCatalogue,
  errorCode,
  FRAME_KIND_ERROR,
  FRAME_KIND_RESPONSE,
  type FrameHeader,
  frameErrorSchema,
} from '../protocol/index.ts';
import type { RequestAddress } from './serverRequest.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

/** @throws ProtocolError INVALID_REQUEST where `value` does not fit the API's response. */
export function responseFrame(
  { api, apiVersion, correlationId }: RequestAddress,
  value: unknown,
): Uint8Array[] {
  const address = {
    kind: FRAME_KIND_RESPONSE,
    apiKey: api.key,
    apiVersion,
    correlationId,
  } as const;
  return encodeFrame(address, api.response, value);
}

/** A frame of kind 3. @param message by default the text of the catalogue. */
export function errorFrame(
  address: Pick<FrameHeader, 'apiKey' | 'apiVersion' | 'correlationId'>,
  error: ErrorName,
  message: string = errorCatalogue[error].message,
): Uint8Array[] {
  const { apiKey, apiVersion, correlationId } = address;
  return encodeFrame(
    { kind: FRAME_KIND_ERROR, apiKey, apiVersion, correlationId },
    frameErrorSchema,
    { errorCode: errorCode(error), message: message.slice(0, MESSAGE_CHARACTERS_MAX) },
  );
}
