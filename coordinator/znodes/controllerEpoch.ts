/**
 * /controller_epoch: counts the controllers, as decimal text. Every write of a controller is a multi
 * that checks this znode's version, so that a deposed one can write nothing.
 */

import { type ControllerEpoch, controllerEpoch } from '../../common/index.ts';
import { damagedZnode } from './znodeFields.ts';

export const controllerEpochZnode = {
  path: '/controller_epoch',

  encode(epoch: ControllerEpoch): Buffer {
    return Buffer.from(String(epoch), 'utf8');
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(data: Uint8Array): ControllerEpoch {
    const text = Buffer.from(data).toString('utf8').trim();
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value < 2 ** 31)) {
      throw damagedZnode(this.path, `"${text.slice(0, 60)}" is no controller epoch`);
    }
    return controllerEpoch(value);
  },
};
