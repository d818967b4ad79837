/**
 * Turns a struct at one version into two functions: bytes to object and back.
 *
 * They are compiled from source text, since object literals with fixed names are an order of
 * magnitude faster than setting properties in a loop over names, which is megamorphic in V8. The
 * text is made of the catalogue alone: names are checked to be plain identifiers, and nothing from
 * the wire ever gets here.
 */

import { assert } from '../../../common/index.ts';
import type { KafkaReader } from './reader.ts';
import {
  type ArrayType,
  isPresent,
  type StructType,
  type WireField,
  type WireType,
  ZERO_UUID,
} from './schema.ts';
import type { KafkaWriter } from './writer.ts';

export type Decode = (reader: KafkaReader) => unknown;
export type Encode = (writer: KafkaWriter, value: unknown) => void;

/** The version for which a struct is compiled. */
export interface WireVersion {
  readonly version: number;
  readonly flexible: boolean;
}

const IDENTIFIER = /^[a-z][a-zA-Z0-9]*$/;

export function compileDecoder(type: StructType, at: WireVersion): Decode {
  const elements: Decode[] = [];
  const reads: string[] = [];
  const cases: string[] = [];
  const members: string[] = [];
  for (const [name, field] of fieldsOf(type)) {
    if (!isPresent(field, at.version)) {
      members.push(`${name}: ${absentText(field)}`);
    } else if (field.tag === undefined) {
      reads.push(`const _${name} = ${readText(field, at, elements)};`);
      members.push(`${name}: _${name}`);
    } else {
      reads.push(`let _${name} = ${absentText(field)};`);
      const read = readText(field, at, elements);
      cases.push(`case ${field.tag}: _${name} = ${read}; r.leaveTag(end); break;`);
      members.push(`${name}: _${name}`);
    }
  }
  if (at.flexible) reads.push(tagsText(cases));
  const source = `return (r) => { ${reads.join(' ')} return { ${members.join(', ')} }; };`;
  return new Function('e', source)(elements) as Decode;
}

export function compileEncoder(type: StructType, at: WireVersion): Encode {
  const elements: Encode[] = [];
  const writes: string[] = [];
  const tagged: { tag: number; absent: string; write: string }[] = [];
  for (const [name, field] of fieldsOf(type)) {
    if (!isPresent(field, at.version)) continue;
    const given = `v.${name}`;
    if (field.tag === undefined) {
      const value = field.default === undefined ? given : orDefault(given, field);
      writes.push(writeText(field, value, { at, elements }));
      continue;
    }
    assert(at.flexible && field.default !== undefined, 'A tag needs a default', { name });
    assert(field.tag > (tagged.at(-1)?.tag ?? -1), 'Tags are written in their order', { name });
    const empty = Array.isArray(field.default) ? `${given}.length === 0` : 'false';
    tagged.push({
      tag: field.tag,
      absent: `(${given} === undefined || ${given} === ${defaultText(field)} || ${empty})`,
      write: writeText(field, given, { at, elements }),
    });
  }
  if (at.flexible) {
    const counts = tagged.map(({ absent }) => `(${absent} ? 0 : 1)`);
    writes.push(`w.uvarint(${['0', ...counts].join(' + ')});`);
    for (const { tag, absent, write } of tagged) {
      writes.push(`if (!${absent}) { const s = w.beginTag(${tag}); ${write} w.endTag(s); }`);
    }
  }
  const source = `return (w, v) => { ${writes.join(' ')} };`;
  return new Function('e', source)(elements) as Encode;
}

function fieldsOf(type: StructType): readonly (readonly [string, WireField])[] {
  const fields = Object.entries(type.fields);
  for (const [name] of fields) {
    assert(IDENTIFIER.test(name), 'A field name of the catalogue is a plain identifier', { name });
  }
  return fields;
}

/** The section of tagged fields at the end of a struct; unknown ones are passed over. */
function tagsText(cases: readonly string[]): string {
  if (cases.length === 0) return 'r.skipTags();';
  return (
    'for (let n = r.uvarint(); n > 0; n -= 1) { const tag = r.uvarint(); const end = r.tagEnd(); ' +
    `switch (tag) { ${cases.join(' ')} default: r.position = end; } }`
  );
}

/** Whether null is a value of the field on the wire; a tagged struct's null is an absent tag. */
function takesNull(field: WireField, { version }: WireVersion): boolean {
  return version >= field.nullableSince;
}

function methodName(kind: string, field: { nullable: boolean; flexible: boolean }): string {
  const words = [field.flexible ? 'compact' : '', field.nullable ? 'Nullable' : '', capital(kind)];
  const name = words.join('');
  return name[0]!.toLowerCase() + name.slice(1);
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

function readText(field: WireField, at: WireVersion, elements: Decode[]): string {
  const { type } = field;
  const form = { nullable: takesNull(field, at), flexible: at.flexible };
  switch (type.kind) {
    case 'array': {
      const { element } = type as ArrayType;
      elements.push(elementDecoder(element, at));
      const bytesMin = minimumBytes(element, at);
      return `r.${methodName('array', form)}(e[${elements.length - 1}], ${bytesMin})`;
    }
    case 'struct': {
      elements.push(compileDecoder(type as StructType, at));
      const decoder = `e[${elements.length - 1}]`;
      return form.nullable ? `r.nullableStruct(${decoder})` : `${decoder}(r)`;
    }
    case 'string':
    case 'bytes':
      return `r.${methodName(type.kind, form)}()`;
    case 'records':
      return `r.${methodName('bytes', form)}()`;
    default:
      return `r.${type.kind}()`;
  }
}

function elementDecoder(element: WireType, at: WireVersion): Decode {
  if (element.kind === 'struct') return compileDecoder(element as StructType, at);
  const read = readText(elementField(element), at, []);
  return new Function(`return (r) => ${read};`)() as Decode;
}

function writeText(
  field: WireField,
  value: string,
  context: { readonly at: WireVersion; readonly elements: Encode[] },
): string {
  const { type } = field;
  const { at, elements } = context;
  const form = { nullable: takesNull(field, at), flexible: at.flexible };
  switch (type.kind) {
    case 'array':
      elements.push(elementEncoder((type as ArrayType).element, at));
      return `w.${methodName('array', form)}(${value}, e[${elements.length - 1}]);`;
    case 'struct': {
      elements.push(compileEncoder(type as StructType, at));
      const encoder = `e[${elements.length - 1}]`;
      return form.nullable ? `w.nullableStruct(${value}, ${encoder});` : `${encoder}(w, ${value});`;
    }
    case 'string':
    case 'bytes':
    case 'records':
      return `w.${methodName(type.kind, form)}(${value});`;
    default:
      return `w.${type.kind}(${value});`;
  }
}

function elementEncoder(element: WireType, at: WireVersion): Encode {
  if (element.kind === 'struct') return compileEncoder(element as StructType, at);
  const write = writeText(elementField(element), 'v', { at, elements: [] });
  return new Function(`return (w, v) => { ${write} };`)() as Encode;
}

/** An element of an array, taken as a field that is always there. */
function elementField(type: WireType): WireField {
  return {
    type,
    since: 0,
    until: Number.POSITIVE_INFINITY,
    nullableSince: Number.POSITIVE_INFINITY,
    tag: undefined,
    default: undefined,
    optional: false,
  };
}

function orDefault(given: string, field: WireField): string {
  return `(${given} === undefined ? ${defaultText(field)} : ${given})`;
}

/** Defaults are plain values: numbers, strings, booleans, null and []. */
function defaultText(field: WireField): string {
  return JSON.stringify(field.default);
}

function absentText(field: WireField): string {
  if (field.default !== undefined) return defaultText(field);
  switch (field.type.kind) {
    case 'boolean':
      return 'false';
    case 'string':
      return "''";
    case 'uuid':
      return `'${ZERO_UUID}'`;
    case 'array':
      return '[]';
    case 'bytes':
    case 'records':
      return 'new Uint8Array(0)';
    case 'struct':
      return 'null';
    default:
      return '0';
  }
}

const FIXED_BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
};

/** Fewest bytes that a value of the type has. */
function minimumBytes(type: WireType, at: WireVersion): number {
  const fixed = FIXED_BYTES[type.kind];
  if (fixed !== undefined) return fixed;
  if (type.kind !== 'struct') return at.flexible ? 1 : type.kind === 'string' ? 2 : 4;
  let total = at.flexible ? 1 : 0;
  for (const field of Object.values((type as StructType).fields)) {
    if (!isPresent(field, at.version) || field.tag !== undefined) continue;
    const nullableStruct = field.type.kind === 'struct' && takesNull(field, at);
    total += nullableStruct ? 1 : minimumBytes(field.type, at);
  }
  return total;
}
