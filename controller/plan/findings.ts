// What is so about one condition, in short.
import type { Finding } from './observed.ts';

export function yes(reason: string, message: string): Finding {
  return { status: 'True', reason, message };
}

export function no(reason: string, message: string): Finding {
  return { status: 'False', reason, message };
}

export function unknown(reason: string, message: string): Finding {
  return { status: 'Unknown', reason, message };
}
