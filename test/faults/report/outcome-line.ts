// The outcome of a seed in one line. Pure.
import type { Outcome } from '../run-scenario.ts';
import { describeShape, faultNames, seconds } from '../scenario/scenario.ts';

export function outcomeLine({ scenario, verdict, problems, tookMs }: Outcome): string {
  const word = problems.length === 0 ? 'passed' : 'FAILED';
  return [
    `${word} seed ${scenario.seed} in ${seconds(tookMs)}`,
    describeShape(scenario.shape),
    faultNames(scenario).join(' + '),
    ...(verdict === undefined ? [] : [describeVerdict(verdict)]),
  ].join(' | ');
}

function describeVerdict(verdict: NonNullable<Outcome['verdict']>): string {
  const { records, delivered, deadLettered, filtered, duplicates, exposed } = verdict;
  return [
    `${records} records: ${delivered} delivered, ${deadLettered} dead-lettered, ${filtered} filtered`,
    `${duplicates.length} duplicates of ${exposed} allowed`,
    `longest pause ${seconds(verdict.longestPauseMs)}, of a lane ${seconds(verdict.longestLanePauseMs)}`,
  ].join(', ');
}
