/**
 * Bodies: objects of the catalogue to MessagePack and back.
 *
 *     encode   object -> positional arrays (compiled) -> msgpackr -> body, records beside it
 *     decode   body -> scanner (every byte checked against the schema) -> msgpackr -> object (compiled)
 *
 * One msgpackr instance each way, without records, extensions or shared structures: a body is plain
 * MessagePack that any language reads, and no state belongs to a connection.
 */

// Not the package's main entry, which also loads node:stream and a native string reader: 6 MB of
// memory and 8 ms for bodies that are as quickly read without them.
import { Packr, RESERVE_START_SPACE } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import {
  AttachmentReader,
  compileFromArrays,
  compileToArrays,
  type FromArrays,
  type ToArrays,
} from './body/bodyCompiler.ts';
import { planScan, type ScanPlan, scanBody } from './body/bodyScanner.ts';
import { ProtocolError } from './errors.ts';
import type { StructSchema } from './schema.ts';

export { BYTES_FIELD_BYTES_MAX, STRING_BYTES_MAX } from './body/limits.ts';

interface Compiled {
  readonly plan: ScanPlan;
  readonly toArrays: ToArrays;
  readonly fromArrays: FromArrays;
}

const packr = new Packr({ useRecords: false, useToJSON: false } as ConstructorParameters<
  typeof Packr
>[0]);
// A binary value is copied, so that a kept token does not pin the receive buffer it came from.
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true });

const compiledBySchema = new WeakMap<object, Compiled[]>();

/**
 * Encodes a body, and leaves `reservedBytes` free before it for a header.
 *
 * @param version API version: fields that are newer are left out.
 * @returns the reserved space and the body in one chunk, then the records, uncopied, in field order.
 * @throws ProtocolError INVALID_REQUEST naming the field that does not fit its schema.
 */
export function encodeBody<T>(
  schema: StructSchema<T>,
  version: number,
  value: T,
  reservedBytes = 0,
): Uint8Array[] {
  const chunks: Uint8Array[] = [EMPTY];
  const arrays = compiled(schema, version).toArrays(value, chunks);
  chunks[0] =
    reservedBytes === 0
      ? packr.pack(arrays)
      : packr.pack(arrays, RESERVE_START_SPACE + reservedBytes);
  return chunks;
}

const EMPTY = new Uint8Array(0);

/**
 * Decodes a body. Strings, numbers and `bytes` are owned by the caller; `records` are views on
 * `attachments`: copy what you keep beyond that buffer's life.
 *
 * @throws ProtocolError INVALID_REQUEST for a body that is not what the schema says at this version,
 *   CORRUPT_MESSAGE when the attachments are not as long as the body claims. Nothing else, whatever
 *   the bytes are.
 */
export function decodeBody<T>(
  schema: StructSchema<T>,
  version: number,
  body: Uint8Array,
  attachments: Uint8Array = EMPTY,
): T {
  const { plan, fromArrays } = compiled(schema, version);
  const claimed = scanBody(plan, body);
  if (claimed !== attachments.length) {
    throw new ProtocolError(
      'CORRUPT_MESSAGE',
      `The body claims ${claimed} bytes of records, and ${attachments.length} are attached`,
    );
  }
  try {
    const arrays: unknown = unpackr.unpack(body);
    return fromArrays(arrays, new AttachmentReader(attachments)) as T;
  } catch (error) {
    throw new ProtocolError('INVALID_REQUEST', 'Malformed body', { cause: error });
  }
}

function compiled(schema: StructSchema<unknown>, version: number): Compiled {
  let versions = compiledBySchema.get(schema);
  if (versions === undefined) {
    versions = [];
    compiledBySchema.set(schema, versions);
  }
  let found = versions[version];
  if (found === undefined) {
    found = {
      plan: planScan(schema, version),
      toArrays: compileToArrays(schema, version),
      fromArrays: compileFromArrays(schema, version),
    };
    versions[version] = found;
  }
  return found;
}
