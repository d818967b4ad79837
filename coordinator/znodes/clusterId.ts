/**
 * /cluster/id: the name that the cluster gave itself, 22 characters of URL-safe base64.
 *
 *     {"version":"1","id":"vLhtCUuNQqCmUvP2mFUJCw"}
 */

import type { Random } from '../../common/index.ts';
import { damagedZnode, encodeJson, ZnodeFields } from './znodeFields.ts';

export const clusterIdZnode = {
  path: '/cluster/id',

  /** A new id: 16 random bytes. */
  generate(random: Random): string {
    return random.bytes(16).toString('base64url');
  },

  encode(id: string): Buffer {
    return encodeJson({ version: '1', id });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(data: Uint8Array): string {
    const id = ZnodeFields.parse(this.path, data).string('id');
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
      throw damagedZnode(this.path, `"id" is "${id.slice(0, 60)}", which is no cluster id`);
    }
    return id;
  },
};
