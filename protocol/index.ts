/** The native protocol as data and pure functions: no I/O happens below this face. */

export * from './apis/admin.ts';
export * from './apis/controller.ts';
export * from './apis/data.ts';
export * from './apis/replication.ts';
export * from './apis/session.ts';
export * from './bytes.ts';
export * from './catalogue.ts';
export * from './codec.ts';
export * from './compression/index.ts';
export * from './errors.ts';
export * from './foreignProtocol.ts';
export * from './frame.ts';
export * from './records/index.ts';
export type {
  Api,
  ArraySchema,
  Field,
  Fields,
  NullableSchema,
  RecordsField,
  RequestOf,
  ResponseOf,
  Schema,
  StructSchema,
} from './schema.ts';
