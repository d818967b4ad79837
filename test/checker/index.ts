/** The checker of histories: what clients did and were told, judged against the promises. */

export * from './anomaly.ts';
export * from './compareReplicas.ts';
export type { Statistics } from './findings.ts';
export * from './historyChecker.ts';
export { HistoryError } from './historyError.ts';
export { HistoryFile, readHistory } from './historyFile.ts';
export * from './historyLine.ts';
export * from './historyRecorder.ts';
export { isOutcomeUnknown, unknownOutcomeNames } from './unknownOutcome.ts';
