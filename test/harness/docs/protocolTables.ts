/** The part of docs/protocol.md that the API catalogue says. */

import {
  type Api,
  type ArraySchema,
  apiCatalogue,
  type NullableSchema,
  type Schema,
  type StructSchema,
} from '../../../protocol/index.ts';

export function protocolTables(): string {
  const rows = apiCatalogue.map(
    ({ key, name, versions, audience, about }) =>
      `| ${key} | [${name}](#${name.toLowerCase()}) | ${versions.min}-${versions.max} | ${audience} | ${about} |`,
  );
  const overview = [
    '| key | name | versions | for | what it does |',
    '|---|---|---|---|---|',
    ...rows,
  ];
  return [overview.join('\n'), ...apiCatalogue.map(describeApi)].join('\n\n');
}

function describeApi(api: Api): string {
  return [
    `### ${api.name}`,
    `Key ${api.key}, versions ${api.versions.min} to ${api.versions.max}. ${api.about}`,
    describeMessage('Request', api.request),
    describeMessage('Response', api.response),
  ].join('\n\n');
}

function describeMessage(title: string, schema: StructSchema<unknown>): string {
  const rows = fieldRows(schema, 0);
  if (rows.length === 0) return `${title}: no fields, so an empty array.`;
  return [`${title}:`, '', '| field | type | since | meaning |', '|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function fieldRows(schema: StructSchema<unknown>, depth: number): string[] {
  return Object.entries(schema.fields).flatMap(([name, field]) => {
    const indent = '&nbsp;&nbsp;'.repeat(depth);
    const row = `| ${indent}${name} | ${typeName(field.schema)} | ${field.since} | ${field.about} |`;
    const inner = innerStruct(field.schema);
    return inner === undefined ? [row] : [row, ...fieldRows(inner, depth + 1)];
  });
}

function typeName(schema: Schema<unknown>): string {
  if (schema.kind === 'array')
    return `array of ${typeName((schema as ArraySchema<unknown>).element)}`;
  if (schema.kind === 'nullable') {
    return `${typeName((schema as NullableSchema<unknown>).inner)} or nil`;
  }
  return schema.kind;
}

function innerStruct(schema: Schema<unknown>): StructSchema<unknown> | undefined {
  if (schema.kind === 'struct') return schema as StructSchema<unknown>;
  if (schema.kind === 'array') return innerStruct((schema as ArraySchema<unknown>).element);
  if (schema.kind === 'nullable') return innerStruct((schema as NullableSchema<unknown>).inner);
  return undefined;
}
