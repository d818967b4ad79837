/**
 * /controller, ephemeral: the broker that decides now.
 *
 *     {"version":2,"brokerid":1,"timestamp":"1700000000000","kraftControllerEpoch":-1}
 */

import { type BrokerId, brokerId } from '../../common/index.ts';
import { damagedZnode, encodeJson, ZnodeFields } from './znodeFields.ts';

export interface ControllerNode {
  readonly brokerId: BrokerId;
  /** Wall clock at the election, in milliseconds. For people only. */
  readonly electedMs: number;
  /** -1, except in a cluster that moves to KRaft. */
  readonly kraftControllerEpoch: number;
}

export const controllerZnode = {
  path: '/controller',

  encode(node: ControllerNode): Buffer {
    return encodeJson({
      version: 2,
      brokerid: node.brokerId,
      timestamp: String(node.electedMs),
      kraftControllerEpoch: node.kraftControllerEpoch,
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(data: Uint8Array): ControllerNode {
    const fields = ZnodeFields.parse(this.path, data);
    const id = fields.integer('brokerid', 0);
    if (id >= 2 ** 31) throw damagedZnode(this.path, `"brokerid" is ${id}, which is no broker id`);
    const electedMs = Number(fields.optionalString('timestamp') ?? '0');
    return {
      brokerId: brokerId(id),
      electedMs: Number.isSafeInteger(electedMs) ? electedMs : 0,
      kraftControllerEpoch: fields.has('kraftControllerEpoch')
        ? fields.integer('kraftControllerEpoch', -1)
        : -1,
    };
  },
};
