/**
 * Reports one suite: failures in full, anything else in a line, and the counts into the file that
 * `ODRADEK_TEST_COUNTS` names, from which the launcher adds up. CommonJS, since mocha requires it.
 */

'use strict';

const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

const SLOW_MS = 2_000;

module.exports = class SuiteReporter extends reporters.Base {
  constructor(runner, options) {
    super(runner, options);
    runner.on(Runner.constants.EVENT_TEST_PASS, (test) => {
      if (test.duration < SLOW_MS) return;
      process.stdout.write(`  ${(test.duration / 1000).toFixed(1)} s  ${test.fullTitle()}\n`);
    });
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      process.stdout.write(`  FAILED  ${test.fullTitle()}: ${error.message}\n`);
    });
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => {
      process.stdout.write(`  skipped  ${test.fullTitle()}\n`);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => this.finish());
  }

  finish() {
    const { passes, failures, pending } = this.stats;
    if (failures > 0) reporters.Base.list(this.failures);
    const file = process.env.ODRADEK_TEST_COUNTS;
    if (file === undefined) return;
    writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
  }
};
