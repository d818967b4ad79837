/**
 * /latest_producer_id_block: the last block of producer ids that any broker has claimed. The next
 * one begins behind it. Numbers of 64 bits stand as text, as in Kafka.
 *
 *     {"version":1,"broker":1,"block_start":"0","block_end":"999"}
 */

import { damagedZnode, encodeJson, ZnodeFields } from './znodeFields.ts';

export interface ProducerIdBlock {
  /** Who claimed it. */
  readonly brokerId: number;
  readonly firstId: number;
  /** Inclusive. */
  readonly lastId: number;
}

export const producerIdBlockZnode = {
  path: '/latest_producer_id_block',

  encode(block: ProducerIdBlock): Buffer {
    return encodeJson({
      version: 1,
      broker: block.brokerId,
      block_start: String(block.firstId),
      block_end: String(block.lastId),
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(data: Uint8Array): ProducerIdBlock {
    const fields = ZnodeFields.parse(this.path, data);
    fields.version([1]);
    return {
      brokerId: fields.integer('broker', -1),
      firstId: idOf(fields, 'block_start'),
      lastId: idOf(fields, 'block_end'),
    };
  },
};

function idOf(fields: ZnodeFields, name: string): number {
  const text = fields.string(name);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw damagedZnode(fields.path, `"${name}" is "${text.slice(0, 60)}", which is no producer id`);
}
