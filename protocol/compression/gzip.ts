/** gzip, RFC 1952, by node:zlib; several members in a row are read as one. */

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { systemErrorCode } from '../../common/index.ts';
import { type Codec, TooLargeError } from './codec.ts';

export function loadGzip(): Codec {
  return {
    compress: (bytes, level) =>
      gzipSync(bytes, { level: level ?? constants.Z_DEFAULT_COMPRESSION }),
    decompress(bytes, bytesMax) {
      try {
        return gunzipSync(bytes, { maxOutputLength: Math.max(bytesMax, 1) });
      } catch (error) {
        if (systemErrorCode(error) === 'ERR_BUFFER_TOO_LARGE') throw new TooLargeError();
        throw error;
      }
    },
  };
}
