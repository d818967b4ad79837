import { expect } from 'chai';
import { CannotTellError } from '../../../cli/cannotTellError.ts';
import { describeFailure, exitCodeOf } from '../../../cli/failure.ts';
import { UsageError } from '../../../cli/usageError.ts';
import { OdradekError } from '../../../common/index.ts';

describe('a failed command', () => {
  it('tells code, message and whether trying again may help', () => {
    const error = new OdradekError('NOT_CONTROLLER', 'no controller', { retriable: true });
    expect(describeFailure(error)).to.deep.equal({
      code: 'NOT_CONTROLLER',
      message: 'no controller',
      retriable: true,
    });
  });

  it('tells the code of a system error, and any other value as it is', () => {
    const system = Object.assign(new Error('open failed'), { code: 'ENOENT' });
    expect(describeFailure(system)).to.include({ code: 'ENOENT', message: 'open failed' });
    expect(describeFailure('oh')).to.include({ code: 'UNKNOWN', message: 'oh', retriable: false });
  });

  it('ends with 3 where a question stays open, whatever the cause', () => {
    const cause = new OdradekError('NO_BROKER_AVAILABLE', 'nobody', { retriable: true });
    const error = CannotTellError.from(cause);
    expect(exitCodeOf(error)).to.equal(3);
    expect(describeFailure(error)).to.include({ code: 'NO_BROKER_AVAILABLE', retriable: true });
    expect(exitCodeOf(CannotTellError.from(new UsageError('x')))).to.equal(2);
  });

  it('ends with 2 only where the command line was wrong', () => {
    expect(exitCodeOf(new UsageError('x'))).to.equal(2);
    expect(exitCodeOf(new Error('x'))).to.equal(1);
  });
});
