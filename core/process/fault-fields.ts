// The fields by which a log line shows a fault: an exception that nobody expected, so nobody has seen to what is in its message.
import { describeError, errorFields } from '../contract/errors.ts';
import { masked } from './masked-reason.ts';

/** `stack`: of the first cause, without the messages. Quoted text is masked, because it may be of a record. */
export function faultFields(fault: unknown): ReturnType<typeof errorFields> & { stack?: string } {
  return { ...errorFields(fault), error: masked(describeError(fault)), stack: framesOf(fault) };
}

function framesOf(fault: unknown): string {
  if (!(fault instanceof Error)) return '';
  if (fault.cause instanceof Error) return framesOf(fault.cause);
  const frames = (fault.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return frames.map((line) => line.trim()).join('\n');
}
