/** Who opened a connection to a native listener: told by its first frame, the Hello. */

import {
  decodeBody,
  FRAME_HEADER_BYTES,
  helloApi,
  readFrameHeader,
  type RequestOf,
} from '../../protocol/index.ts';

/**
 * @param opening first bytes of the client.
 * @returns undefined as long as the Hello is not there as a whole.
 */
export function nativePeer(opening: Uint8Array): RequestOf<typeof helloApi> | undefined {
  if (opening.length < FRAME_HEADER_BYTES) return undefined;
  const { bodyBytes } = readFrameHeader(opening, 0);
  const end = FRAME_HEADER_BYTES + bodyBytes;
  if (opening.length < end) return undefined;
  const body = opening.subarray(FRAME_HEADER_BYTES, end);
  return decodeBody(helloApi.request, 0, body, new Uint8Array(0)) as RequestOf<typeof helloApi>;
}
