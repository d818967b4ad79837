/** The generated part of docs/admin.md: the routes as /openapi.json has them. */

interface Operation {
  readonly summary?: string;
}

export function adminRouteTable(openapi: unknown): string {
  const { paths } = openapi as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const rows = Object.entries(paths)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, { summary }]) => `| ${method.toUpperCase()} | \`${path}\` | ${summary ?? ''} |`,
      ),
    );
  return ['| method | path | what it does |', '|---|---|---|', ...rows].join('\n');
}
