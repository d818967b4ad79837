/**
 * Removes what a deleted topic has in ZooKeeper. The entry under /admin/delete_topics goes last:
 *
 *     1. states and partitions, from the leaves up
 *     2. the topic itself                    <- killed here: the next controller finds the entry,
 *     3. its configuration                      no topic any more, and goes on with step 3
 *     4. /admin/delete_topics/T
 */

import { CoordinatorError, type CoordinatorWrite } from '../../common/index.ts';
import { deleteTopicZnode, topicConfigZnode, topicZnode } from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';
import type { CheckedWriter } from './checkedWriter.ts';

/** Somebody may create znodes below the topic while we remove it, though hardly for ever. */
const ROUNDS_MAX = 5;

/**
 * @throws {ControllerMovedError}
 * @throws {CoordinatorError} what ZooKeeper refused with: the rest is still there.
 */
export async function removeTopic(
  session: CoordinatorSession,
  writer: CheckedWriter,
  topic: string,
): Promise<void> {
  for (let round = 1; ; round++) {
    const tree = await subtree(session, topicZnode.path(topic));
    const failure = await deleteAll(writer, tree.reverse());
    if (failure === undefined) break;
    if (round === ROUNDS_MAX) throw failure;
  }
  const failure = await deleteAll(writer, [
    topicConfigZnode.path(topic),
    deleteTopicZnode.path(topic),
  ]);
  if (failure !== undefined) throw failure;
}

/** In order; a znode that is gone already is fine. @returns the first refusal. */
async function deleteAll(
  writer: CheckedWriter,
  paths: readonly string[],
): Promise<CoordinatorError | undefined> {
  const units = paths.map((path): { operations: CoordinatorWrite[] } => ({
    operations: [{ type: 'delete', path, version: -1 }],
  }));
  for (const result of await writer.write(units)) {
    if (result.ok || result.code === 'NO_NODE') continue;
    return new CoordinatorError(result.code, result.message);
  }
  return undefined;
}

/** The znode and all below it, parents first; empty where it is absent. */
async function subtree(session: CoordinatorSession, root: string): Promise<string[]> {
  const found: string[] = [];
  let level = [root];
  while (level.length > 0) {
    const below = await Promise.all(
      level.map(async (path) => ({ path, children: await session.getChildren(path) })),
    );
    level = [];
    for (const { path, children } of below) {
      if (children === undefined) continue;
      found.push(path);
      level.push(...children.names.map((name) => `${path}/${name}`));
    }
  }
  return found;
}
