/** What a body may hold, apart from its own length. */

/** Longest string, in UTF-8 bytes. */
export const STRING_BYTES_MAX = 65_535;
/** Longest string, in UTF-16 units, that cannot exceed STRING_BYTES_MAX whatever it holds. */
export const STRING_UNITS_ALWAYS_FIT = STRING_BYTES_MAX / 3;
/** Longest `bytes` field. */
export const BYTES_FIELD_BYTES_MAX = 1024 * 1024;
