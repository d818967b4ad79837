import { expect } from 'chai';
import { DeliveryTally } from '../../../../cli/produce/deliveryTally.ts';
import { DeliveryError } from '../../../../client/index.ts';

const failed = (code: string, outcomeUnknown: boolean): DeliveryError =>
  new DeliveryError(code, `${code} it is`, { topic: 't', partition: 0, outcomeUnknown });

describe('the tally of deliveries', () => {
  it('has no failure while everything was acknowledged', () => {
    const tally = new DeliveryTally();
    tally.acknowledge();
    expect(tally.acknowledged).to.equal(1);
    expect(tally.failure()).to.equal(undefined);
  });

  it('tells failed from unknown ones, counts by code and repeats the first message', () => {
    const tally = new DeliveryTally();
    tally.acknowledge();
    tally.fail(failed('MESSAGE_TOO_LARGE', false));
    tally.fail(failed('MESSAGE_TOO_LARGE', false));
    tally.fail(failed('REQUEST_TIMED_OUT', true));
    const failure = tally.failure();
    expect(failure?.code).to.equal('DELIVERIES_FAILED');
    expect(failure?.message).to.equal(
      '2 records failed, 1 are unknown (MESSAGE_TOO_LARGE: 2, REQUEST_TIMED_OUT: 1), ' +
        '1 were acknowledged; the first failure: MESSAGE_TOO_LARGE it is',
    );
  });
});
