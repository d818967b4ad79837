/** Rows under headings, padded so that columns stand below each other. */

/**
 * @param headings one a column
 * @param rows cells in the order of the headings; numbers stand to the right
 * @returns lines without a trailing line feed
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const isNumeric = headings.map((_, column) =>
    rows.every((row) => typeof row[column] === 'number'),
  );
  const format = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        isNumeric[column] && rows.length > 0
          ? String(cell).padStart(widths[column] ?? 0)
          : String(cell).padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [format(headings), ...rows.map(format)];
}
