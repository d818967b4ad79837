/** What may reach the world only through the injected environment. */

import { places, type SourceFile, stripStrings } from './sources.ts';

interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  /** Looks at strings too: for module names. */
  readonly inStrings?: boolean;
}

export const bans: readonly Ban[] = [
  // As a type and in `instanceof` a Date is only what an application may hand to the SDK.
  { name: 'Date', pattern: /\bDate\s*\(\s*\)|\bDate\.(now|parse|UTC)\b/ },
  { name: 'performance', pattern: /\bperformance\s*\./ },
  { name: 'process.hrtime', pattern: /\bprocess\.hrtime\b/ },
  { name: 'Math.random', pattern: /\bMath\.random\b/ },
  {
    name: 'crypto.random*',
    pattern: /\b(random(Bytes|UUID|Int|FillSync|Fill)|getRandomValues)\s*\(/,
  },
  { name: 'setTimeout', pattern: /\bsetTimeout\s*\(/ },
  { name: 'setInterval', pattern: /\bsetInterval\s*\(/ },
  { name: 'setImmediate', pattern: /\bsetImmediate\s*\(/ },
  { name: 'AbortSignal.timeout', pattern: /\bAbortSignal\.timeout\b/ },
  { name: 'FinalizationRegistry', pattern: /\bFinalizationRegistry\b/ },
  {
    name: 'a module of the world',
    pattern:
      /(?:from|import|require)\s*\(?\s*['"](node:)?(timers|fs|net|tls|dgram|dns|worker_threads|child_process|perf_hooks)(\/promises)?['"]/,
    inStrings: true,
  },
  {
    name: 'asynchronous zlib',
    pattern: /\bzlib\.(create\w+|(gzip|gunzip|deflate|inflate|brotli\w+|zstd\w+|unzip)(?!Sync)\b)/,
  },
];

/** Folders and files that are the world, or tools beside it. */
const exempt: readonly RegExp[] = [
  /^common\/environment\/production\//,
  /^(cli|bench|test|scripts|bin)\//,
];

/** Sockets are network/'s business, and nothing else of the world is. */
const sockets: readonly RegExp[] = [/^network\//];

/** @returns `name at path:line` for each banned thing. */
export function banFaults(file: SourceFile): readonly string[] {
  if (exempt.some((pattern) => pattern.test(file.path))) return [];
  const names = stripStrings(file.code);
  return bans.flatMap(({ name, pattern, inStrings }) => {
    const code = inStrings ? withoutSockets(file) : names;
    return places(file, code, pattern).map((place) => `${name} at ${place}`);
  });
}

function withoutSockets({ path, code }: SourceFile): string {
  if (!sockets.some((pattern) => pattern.test(path))) return code;
  return code.replace(/['"]node:(net|tls)['"]/g, '      ');
}
