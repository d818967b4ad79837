/**
 * Kafka's record batch, magic 2: the same bytes from the producer to the disk to the consumer.
 *
 *     off len field
 *       0  8  baseOffset             rewritten by the broker, outside the CRC
 *       8  4  batchLength            bytes after this field; the whole batch has 12 more
 *      12  4  partitionLeaderEpoch   rewritten by the broker, outside the CRC
 *      16  1  magic                  2
 *      17  4  crc                    CRC-32C of everything from byte 21 on
 *      21  2  attributes             0-2 codec, 3 LogAppendTime, 4 transactional, 5 control,
 *                                    6 delete horizon, 7-15 zero
 *      23  4  lastOffsetDelta        last offset = baseOffset + this
 *      27  8  baseTimestamp          ms; the delete horizon where bit 6 is set
 *      35  8  maxTimestamp           ms; under LogAppendTime the time of every record
 *      43  8  producerId             -1 for none
 *      51  2  producerEpoch          -1 for none
 *      53  4  baseSequence           -1 for none
 *      57  4  recordsCount           never compressed
 *      61     records                compressed as one block where the codec is not 0
 *
 * A record, every varint zig-zag:
 *
 *     length varint | attributes 0 | timestampDelta varlong | offsetDelta varint
 *     keyLength varint (-1 null) | key | valueLength varint (-1 null) | value
 *     headerCount varint | (keyLength varint | key UTF-8 | valueLength varint (-1 null) | value)*
 *
 * @see https://kafka.apache.org/39/documentation.html#recordbatch
 */

export const BATCH_HEADER_BYTES = 61;
/** What batchLength does not count: the base offset and itself. */
export const BATCH_PREFIX_BYTES = 12;
export const BATCH_MAGIC = 2;
/** The shortest record: null key, null value, no headers. */
export const RECORD_BYTES_MIN = 7;

export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
/** Where the bytes that the CRC covers begin. */
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORDS_COUNT_AT = 57;

export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;
export const RESERVED_BITS = 0xff80;
