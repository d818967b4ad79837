import { expect } from 'chai';
import fc from 'fast-check';
import {
  type MultiOperation,
  type Transaction,
  type TreeRequest,
  type WriteRequest,
  ZnodeTree,
} from '../../coordinator/embedded/index.ts';
import { decodeSnapshot, encodeSnapshot } from '../../coordinator/embedded/snapshotFormat.ts';
import { canonical } from '../unit/coordinator/embedded/canonical.ts';

/** The tree as somebody would write it who has only read ZooKeeper's manual. */
class Model {
  nodes = new Map<string, { version: number; owner: string; created: number }>();

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      this.nodes.set(path, { version: 0, owner: '', created: 0 });
    }
  }

  children(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()]
      .filter((other) => other !== '/' && other.startsWith(prefix))
      .map((other) => other.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort();
  }

  /** @returns the error, or the path of a created node, or 'done'. */
  apply(operation: MultiOperation, session: string): string {
    const parent = operation.path.slice(0, operation.path.lastIndexOf('/')) || '/';
    const node = this.nodes.get(operation.path);
    if (operation.type === 'create') {
      const above = this.nodes.get(parent);
      if (above === undefined) return 'NO_NODE';
      const number = String(above.created).padStart(10, '0');
      const path = operation.sequential === true ? operation.path + number : operation.path;
      if (this.nodes.has(path)) return 'NODE_EXISTS';
      if (above.owner !== '') return 'NO_CHILDREN_FOR_EPHEMERALS';
      above.created += 1;
      const owner = operation.ephemeral === true ? session : '';
      this.nodes.set(path, { version: 0, owner, created: 0 });
      return path;
    }
    if (node === undefined) return 'NO_NODE';
    if (operation.version !== -1 && operation.version !== node.version) return 'BAD_VERSION';
    if (operation.type === 'setData') node.version += 1;
    if (operation.type === 'delete') {
      if (this.children(operation.path).length > 0) return 'NOT_EMPTY';
      this.nodes.delete(operation.path);
    }
    return 'done';
  }

  multi(operations: readonly MultiOperation[], session: string): string {
    const before = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]));
    for (const [index, operation] of operations.entries()) {
      const result = this.apply(operation, session);
      if (/^[A-Z]/.test(result)) {
        this.nodes = before;
        return `${result} at ${index}`;
      }
    }
    return 'done';
  }

  close(session: string): void {
    for (const [path, { owner }] of this.nodes) if (owner === session) this.nodes.delete(path);
  }
}

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const version = fc.integer({ min: -1, max: 2 });
const data = fc.uint8Array({ maxLength: 4 });
const operation: fc.Arbitrary<MultiOperation> = fc.oneof(
  fc.record({
    type: fc.constant('create' as const),
    path,
    data,
    ephemeral: fc.boolean(),
    sequential: fc.boolean(),
  }),
  fc.record({ type: fc.constant('setData' as const), path, data, version }),
  fc.record({ type: fc.constant('delete' as const), path, version }),
);
const check = fc.record({ type: fc.constant('check' as const), path, version });
const step = fc.record({
  session: fc.integer({ min: 0, max: 2 }),
  request: fc.oneof(
    { weight: 6, arbitrary: operation as fc.Arbitrary<WriteRequest> },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('multi' as const),
        operations: fc.array(fc.oneof(operation, check), { maxLength: 5 }),
      }) as fc.Arbitrary<WriteRequest>,
    },
    { weight: 1, arbitrary: fc.constant<WriteRequest>({ type: 'closeSession' }) },
  ),
});

/** Runs the steps; a closed session is opened anew before the next step. */
function run(steps: readonly { session: number; request: WriteRequest }[]) {
  const tree = new ZnodeTree();
  const model = new Model();
  const transactions: Transaction[] = [];
  const sessions: (string | undefined)[] = [];
  const apply = (request: WriteRequest, sessionId: string) => {
    const context = { sessionId, timeMs: 1000 + transactions.length };
    const before = tree.lastZxid;
    const reply = tree.apply(request, context);
    if (tree.lastZxid !== before) transactions.push({ ...context, zxid: reply.zxid, request });
    return reply;
  };
  const open = (): string => {
    const password = new Uint8Array(16);
    const request = { type: 'createSession', timeoutMs: 100, password } as const;
    const reply = apply(request, '');
    if (!reply.ok) throw new Error('A session is always opened');
    return (reply.result as { sessionId: string }).sessionId;
  };
  for (const { session, request } of steps) {
    const sessionId = sessions[session] ?? open();
    sessions[session] = sessionId;
    const before = canonical(tree.state);
    const reply = apply(request, sessionId);
    if (!reply.ok) expect(canonical(tree.state), 'a refusal changes nothing').to.deep.equal(before);
    if (request.type === 'closeSession') {
      model.close(sessionId);
      sessions[session] = undefined;
    } else if (request.type === 'multi') {
      const expected = model.multi(request.operations, sessionId);
      expect(reply.ok ? 'done' : `${reply.error} at ${reply.failedIndex}`).to.equal(expected);
    } else {
      const expected = model.apply(request as MultiOperation, sessionId);
      const path = reply.ok ? (reply.result as { path?: string } | undefined)?.path : undefined;
      expect(reply.ok ? (path ?? 'done') : reply.error).to.equal(expected);
    }
  }
  return { tree, model, transactions };
}

describe('the znode tree', () => {
  it('does what a simple model of ZooKeeper does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { tree, model } = run(steps);
        expect([...tree.state.nodes.keys()].sort()).to.deep.equal([...model.nodes.keys()].sort());
        for (const [path, node] of tree.state.nodes) {
          expect([...node.children].sort()).to.deep.equal(model.children(path));
          expect(node.version).to.equal(model.nodes.get(path)?.version);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('comes out the same when its transactions are repeated', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, cut) => {
        const { tree, transactions } = run(steps);
        const first = new ZnodeTree();
        const half = transactions.length === 0 ? 0 : cut % transactions.length;
        for (const transaction of transactions.slice(0, half)) first.replay(transaction);
        const bytes = Buffer.from(encodeSnapshot(first.state));
        const second = new ZnodeTree(decodeSnapshot(bytes, 'snapshot'));
        for (const transaction of transactions.slice(half)) second.replay(transaction);
        expect(canonical(second.state)).to.deep.equal(canonical(tree.state));
        expect(second.figures).to.deep.equal(tree.figures);
      }),
      { numRuns: 200 },
    );
  });

  it('fires each watch at most once, and only for what has changed', () => {
    const watch: fc.Arbitrary<TreeRequest> = fc.record({
      type: fc.constantFrom('exists' as const, 'getData' as const, 'getChildren' as const),
      path,
      watch: fc.constant(true),
    });
    const change = operation as fc.Arbitrary<TreeRequest>;
    fc.assert(
      fc.property(fc.array(fc.oneof(watch, change), { maxLength: 60 }), (requests) => {
        const tree = new ZnodeTree();
        const password = new Uint8Array(16);
        const opened = tree.apply(
          { type: 'createSession', timeoutMs: 1, password },
          { sessionId: '', timeMs: 0 },
        );
        if (!opened.ok) throw new Error('A session is always opened');
        const { sessionId } = opened.result;
        const armed = { data: new Set<string>(), children: new Set<string>() };
        for (const request of requests) {
          const reply = tree.apply(request, { sessionId, timeMs: 0 });
          if ('watch' in request) {
            const table = request.type === 'getChildren' ? armed.children : armed.data;
            if (reply.ok || request.type === 'exists') table.add(request.path);
          }
          for (const { type, path: changed } of reply.events) {
            const data = type !== 'childrenChanged' && armed.data.delete(changed);
            const children =
              (type === 'childrenChanged' || type === 'deleted') && armed.children.delete(changed);
            expect(data || children, `${type} ${changed}`).to.equal(true);
          }
          expect(tree.figures.watches).to.equal(armed.data.size + armed.children.size);
        }
      }),
      { numRuns: 200 },
    );
  });
});
