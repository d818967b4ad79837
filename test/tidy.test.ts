/** Rules about the repository itself: who imports whom, what is banned, what docs must say. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';
import { createProgram } from '../cli/main.ts';
import { banFaults } from './tidy/banList.ts';
import { commandLineFault, commandLines, describeCommands } from './tidy/cliDocument.ts';
import { floors, layeringFault, sideDoors } from './tidy/layers.ts';
import {
  type Import,
  importsOf,
  listFiles,
  namedFiles,
  places,
  readSource,
  repositoryRoot,
  type SourceFile,
  stripComments,
  topFolder,
} from './tidy/sources.ts';

const LINE_WIDTH_MAX = 100;
const FILE_LINES_MAX = 600;
const FOLDER_FILES_MAX = 8;

const files = listFiles();
const codeFiles = files.filter((path) => /\.(ts|mjs|cjs)$/.test(path)).map(readSource);
const sources = codeFiles.filter(({ path }) => topFolder(path) in floors);
const imports = codeFiles.flatMap((file) => importsOf(file));
const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
};

describe('the layers', () => {
  it('are entered downwards and by their doors', () => {
    const faults = imports.flatMap((it) => {
      const fault = layeringFault(it);
      return fault === undefined ? [] : [`${it.file.path} imports ${it.target}: ${fault}`];
    });
    expect(faults).to.deep.equal([]);
  });

  it('have no side door that nobody uses', () => {
    const used = new Set(
      imports
        .filter(({ file, target }) => topFolder(file.path) !== topFolder(target ?? ''))
        .filter(({ file }) => topFolder(file.path) in floors)
        .map(({ target }) => target),
    );
    expect(Object.keys(sideDoors).filter((path) => !used.has(path))).to.deep.equal([]);
  });

  it('see a file that climbs', () => {
    const file = { path: 'protocol/example.ts', text: '', code: '' };
    const upwards = { file, specifier: '../network/index.ts', target: 'network/index.ts' };
    expect(layeringFault(upwards)).to.equal('network/ is not below protocol/');
    const inside = { file, specifier: '../common/ids.ts', target: 'common/ids.ts' };
    expect(layeringFault(inside)).to.equal('common/ is entered by its index.ts');
  });

  it('import packages that package.json declares for them', () => {
    const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies };
    const faults = imports
      .filter(({ target, specifier }) => target === undefined && !specifier.startsWith('node:'))
      .filter(({ file }) => topFolder(file.path) in floors || topFolder(file.path) === 'test')
      .filter(({ file, specifier }) => {
        const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
        const developed = ['bench', 'test'].includes(topFolder(file.path));
        return !(name in runtime || (developed && name in manifest.devDependencies));
      })
      .filter(({ specifier }) => /^[@a-z]/.test(specifier) && !specifier.startsWith('data:'))
      .filter(({ specifier }) => specifier !== 'odradek');
    expect(faults.map(({ file, specifier }) => `${file.path}: ${specifier}`)).to.deep.equal([]);
  });
});

describe('the ban list', () => {
  it('is kept: the world is reached through the environment', () => {
    expect(sources.flatMap(banFaults)).to.deep.equal([]);
  });

  it('sees code and not comments', () => {
    const text = "// setTimeout(x)\nsetTimeout(x); /* Math.random */\nimport 'node:fs';\n";
    const file = { path: 'broker/example.ts', text, code: stripComments(text) };
    expect(banFaults(file)).to.deep.equal([
      'setTimeout at broker/example.ts:2',
      'a module of the world at broker/example.ts:3',
    ]);
    const socketText = "import net from 'node:net';\n";
    const socket = { path: 'network/example.ts', text: socketText, code: socketText };
    expect(banFaults(socket)).to.deep.equal([]);
  });
});

describe('files', () => {
  it('are no wider than a hundred columns', () => {
    const faults = codeFiles.flatMap((file) =>
      places(
        file,
        file.text,
        new RegExp(`^(?!.*(https?://|biome-ignore)).{${LINE_WIDTH_MAX + 1},}$`, 'm'),
      ),
    );
    const allowed = (place: string): boolean => /^test\/tidy\/(sources|banList)\.ts/.test(place);
    expect(faults.filter((place) => !allowed(place))).to.deep.equal([]);
  });

  it('say in their head why they are long, above six hundred lines', () => {
    const faults = sources.filter(({ text }) => {
      const lines = text.split('\n');
      return lines.length > FILE_LINES_MAX && !/long because/i.test(lines.slice(0, 25).join(' '));
    });
    expect(faults.map(({ path }) => path)).to.deep.equal([]);
  });

  it('have no function above seventy lines', () => {
    const program = join(repositoryRoot, 'node_modules/.bin/oxlint');
    const config = join(repositoryRoot, 'test/tidy/functionLength.oxlintrc.json');
    const folders = Object.keys(floors).filter((folder) =>
      existsSync(join(repositoryRoot, folder)),
    );
    const { status, stdout } = spawnSync(program, ['-c', config, '--format', 'unix', ...folders], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    expect(status, stdout).to.equal(0);
  });

  it('have no default export', () => {
    const faults = codeFiles
      .filter(({ path }) => path.endsWith('.ts'))
      .flatMap((file) => places(file, file.code, /^export default\b/m));
    expect(faults).to.deep.equal([]);
  });

  it('have no open end without a number', () => {
    const faults = codeFiles
      .filter(({ path }) => path !== 'test/tidy.test.ts')
      .flatMap((file) => places(file, file.text, /\b(TODO(?!\(#\d+\))|FIXME|XXX)\b/));
    expect(faults).to.deep.equal([]);
  });

  it('have no dead ones: every source is reached from an entry, every helper from a test', () => {
    const entries = ['client/index.ts', 'cli/main.ts', ...programs()];
    const tests = files.filter((path) => /^test\/.*\.test\.ts$/.test(path));
    const reached = reachableFrom(entries);
    const reachedByTests = reachableFrom([...entries, ...tests]);
    const dead = codeFiles
      .map(({ path }) => path)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .filter((path) => !(topFolder(path) in floors ? reached : reachedByTests).has(path));
    expect(dead).to.deep.equal([]);
  });

  /** What the launchers name: built ones in `dist/`, and tools that run from their source. */
  function programs(): readonly string[] {
    const texts = [readSource('package.json'), ...codeFiles.filter(isLauncher)].map(
      ({ text }) => text,
    );
    return texts.flatMap((text) =>
      [...text.matchAll(/\b(?:dist\/)?((?:bench|test)\/[\w./-]+)\.(?:js|ts)\b/g)]
        .map(([, path]) => `${path}.ts`)
        .filter((path) => files.includes(path)),
    );
  }

  function isLauncher({ path }: SourceFile): boolean {
    return path.startsWith('scripts/');
  }

  function reachableFrom(entries: readonly string[]): ReadonlySet<string> {
    const byFile = new Map<string, Import[]>();
    for (const it of imports) byFile.set(it.file.path, [...(byFile.get(it.file.path) ?? []), it]);
    const named = new Map(
      codeFiles
        .filter(({ path }) => topFolder(path) === 'test')
        .map((file) => [file.path, namedFiles(file)]),
    );
    const reached = new Set<string>();
    const queue = [...entries];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      for (const { target } of byFile.get(path) ?? []) {
        if (target !== undefined) queue.push(target.replace(/\.js$/, '.ts'));
      }
      queue.push(...(named.get(path) ?? []));
    }
    return reached;
  }
});

describe('tests', () => {
  const tests = codeFiles.filter(({ path }) => path.endsWith('.test.ts'));

  it('are never run alone, nor skipped without a reason in the line above', () => {
    const faults = tests.flatMap((file) => [
      ...places(file, file.code, /\b(describe|it|context)\.only\(/),
      ...unexplainedSkips(file),
    ]);
    expect(faults).to.deep.equal([]);
  });

  it('stand where the launcher looks for them', () => {
    const known =
      /^test\/(tidy\.test\.ts|(unit|property|scripts|simulation|integration|compat|faults)\/)/;
    expect(tests.map(({ path }) => path).filter((path) => !known.test(path))).to.deep.equal([]);
  });

  function unexplainedSkips(file: SourceFile): readonly string[] {
    const lines = file.text.split('\n');
    return lines.flatMap((line, index) =>
      /\b(describe|it|context)\.skip\(|this\.skip\(/.test(line) &&
      !/\/\/ Skipped\b.{10,}/.test(lines[index - 1] ?? '')
        ? [`${file.path}:${index + 1}`]
        : [],
    );
  }
});

describe('dependencies', () => {
  const declared = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  };

  it('each have a reason in docs/dependencies.md, which names no other', () => {
    const text = readFileSync(join(repositoryRoot, 'docs/dependencies.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
    const explained = rows
      .filter(([, , reason = '']) => reason.length > 20)
      .map(([, name]) => name);
    expect(explained.toSorted()).to.deep.equal(Object.keys(declared).toSorted());
  });

  it('are pinned exactly', () => {
    const loose = Object.entries(declared).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).to.deep.equal([]);
  });

  it('are all in the lock, also for other platforms, without addresses of a registry', () => {
    const check = ['scripts/complete-lock.mjs', '--check'];
    const { status, stderr } = spawnSync(process.execPath, check, {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    expect(status, stderr).to.equal(0);
    const lock = readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8');
    expect(lock).not.to.contain('"resolved"');
  });
});

describe('the package', () => {
  it('lets signals to npm reach its programs', () => {
    const other = Object.entries(manifest.scripts).filter(
      ([, line]) => !line.startsWith('exec node '),
    );
    expect(other).to.deep.equal([]);
  });

  it('commits its command as an executable file', () => {
    expect(statSync(join(repositoryRoot, 'bin/odradek.mjs')).mode & 0o111).to.equal(0o111);
    const listed = execFileSync('git', ['ls-files', 'bin', '.ci'], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    expect(listed.trim().split('\n')).to.include.members(['bin/odradek.mjs', '.ci/run']);
  });

  it('tells clients the version of package.json', () => {
    const { version } = manifest as unknown as { readonly version: string };
    const text = readFileSync(join(repositoryRoot, 'broker/version.ts'), 'utf8');
    expect(text).to.contain(`'${version}'`);
  });
});

describe('documents', () => {
  const documents = files.filter((path) => path.endsWith('.md'));

  it('link to what is there', () => {
    const broken = documents.flatMap((path) => {
      const text = readFileSync(join(repositoryRoot, path), 'utf8').replace(/```[\s\S]*?```/g, '');
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !/^[a-z]+:/.test(link) && !link.startsWith('#'))
        .filter((link) => !existsSync(join(repositoryRoot, targetOf(path, link))))
        .map((link) => `${path}: ${link}`);
    });
    expect(broken).to.deep.equal([]);
  });

  it('that sources name are there', () => {
    const missing = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\bdocs\/[\w./-]+\.md\b/g)]
        .map(([name]) => name)
        .filter((name) => !existsSync(join(repositoryRoot, name)))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).to.deep.equal([]);
  });

  it('describe every command and flag (UPDATE=1 writes docs/cli.md anew)', async () => {
    const path = join(repositoryRoot, 'docs/cli.md');
    const mark = '<!-- from here on made from the commands -->\n';
    const written = readFileSync(path, 'utf8');
    const [head] = written.split(mark);
    const wanted = `${head}${mark}\n${describeCommands(await createProgram('all'))}`;
    if (process.env['UPDATE'] === '1') writeFileSync(path, wanted);
    else expect(written).to.equal(wanted);
  });

  it('name every metric, and no other', () => {
    const text = readFileSync(join(repositoryRoot, 'docs/operations.md'), 'utf8');
    const described = [...text.matchAll(/^\| `(odradek_\w+)` \|/gm)].map(([, name]) => name);
    const counted = sources
      .filter(({ path }) => path.startsWith('broker/'))
      .flatMap(({ code }) =>
        [...code.matchAll(/['"`](odradek_\w+)['"`]/g)].map(([, name]) => name),
      );
    expect(described.toSorted()).to.deep.equal([...new Set(counted)].toSorted());
  });

  it('show only commands and flags that there are', async () => {
    const program = await createProgram('all');
    const faults = documents.flatMap((path) => {
      const text = readFileSync(join(repositoryRoot, path), 'utf8');
      return commandLines(text).flatMap((line) => {
        const fault = commandLineFault(program, line);
        return fault === undefined ? [] : [`${path}: ${line}: ${fault}`];
      });
    });
    expect(faults).to.deep.equal([]);
  });

  it('guide through every folder of more than eight sources, there or in the folder above', () => {
    const counts = new Map<string, number>();
    for (const { path } of codeFiles.filter(
      (file) => !/^test\/(unit|integration)/.test(file.path),
    )) {
      counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    }
    const unguided = [...counts]
      .filter(([folder, count]) => count > FOLDER_FILES_MAX && folder !== 'scripts')
      .map(([folder]) => folder)
      .filter(
        (folder) =>
          !documents.some(
            (path) =>
              folder.startsWith(dirname(path)) &&
              path.endsWith('README.md') &&
              path !== 'README.md',
          ),
      );
    expect(unguided).to.deep.equal([]);
  });

  it('have one heading of the first level', () => {
    const faults = documents.filter((path) => {
      const text = readFileSync(join(repositoryRoot, path), 'utf8').replace(/```[\s\S]*?```/g, '');
      return [...text.matchAll(/^# /gm)].length !== 1;
    });
    expect(faults).to.deep.equal([]);
  });

  it('number decisions without a gap, and each says how we would know it was wrong', () => {
    const decisions = documents.filter((path) => path.startsWith('docs/adr/'));
    const numbers = decisions.map((path) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]));
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1));
    for (const path of decisions) {
      const text = readFileSync(join(repositoryRoot, path), 'utf8');
      for (const heading of ['## Context', '## Decision', '## How we would know it was wrong']) {
        expect(text, path).to.contain(heading);
      }
    }
  });

  function targetOf(path: string, link: string): string {
    return normalize(join(dirname(path), link.replace(/#.*$/, '')));
  }
});
