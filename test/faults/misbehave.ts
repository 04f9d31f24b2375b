// The function of a seed: well by default, and in one mood at a time otherwise. What it does to a record hangs on the record's
// fate and on how often it came, so that a repetition is treated as the first was.
import { setTimeout as delay } from 'node:timers/promises';
import type { Receipt } from '../fixtures/oracle/oracle-evidence.ts';
import { eventId, type Answer, type Behaviour, type Call } from '../fixtures/oracle/oracle-function.ts';
import type { Oracle } from '../fixtures/oracle/oracle.ts';
import { fateOf } from './load.ts';
import type { Shape } from './scenario.ts';

export type Mood =
  | { kind: 'well' | 'hang' | 'late' | 'slow' | 'reset' }
  | { kind: 'answers'; status: 429 | 500 | 503 }
  /** It does its work on the next request, and dies before it answers. */
  | { kind: 'crash'; die: () => void };

export type MoodyFunction = { behave: Behaviour; mood: Mood };

const slowMs = 400;
/** After the gateway has given up. */
const lateMs = 300;

export function createMoodyFunction(oracle: Oracle, shape: Shape): MoodyFunction {
  const fn: MoodyFunction = {
    mood: { kind: 'well' },
    behave: (call) => behave(call, fn.mood),
  };
  const behave = async (call: Call, mood: Mood): Promise<Answer | undefined> => {
    switch (mood.kind) {
      case 'answers':
        return { status: mood.status, headers: mood.status === 500 ? {} : { 'retry-after': '1' } };
      case 'hang':
        return undefined;
      case 'crash':
        acceptInDoubt(oracle, call, 'died before it answered');
        mood.die();
        return undefined;
      case 'reset':
        acceptInDoubt(oracle, call, 'reset in the body');
        call.response.writeHead(200, { 'content-length': '1000' });
        call.response.write('half', () => call.response.socket?.resetAndDestroy());
        return undefined;
      case 'late':
        await delay(shape.timeoutMs + lateMs);
        break;
      case 'slow':
        await delay(slowMs);
        break;
      case 'well':
        if (shape.answerMs > 0) await delay(shape.answerMs);
        break;
    }
    return shape.contentMode === 'batched' ? answerBatch(call.receipts) : answerOne(call.receipts[0]);
  };
  return fn;
}

function acceptInDoubt(oracle: Oracle, { receipts }: Call, why: string): void {
  for (const receipt of receipts.filter((one) => !fails(one))) {
    oracle.accepted(receipt);
    receipt.doubt ??= why;
  }
}

function fails({ id, attempt }: Receipt): boolean {
  const fate = fateOf(id);
  return fate === 'p' || fate === 'x' || (fate === 'y' && attempt <= 1 + ((id?.length ?? 0) % 2));
}

function answerOne(receipt: Receipt | undefined): Answer {
  if (receipt === undefined || !fails(receipt)) return { status: 204 };
  const fate = fateOf(receipt.id);
  return { status: fate === 'p' ? 422 : fate === 'x' ? 500 : 503 };
}

/** In a partition, nothing behind a failure is taken: its lane must wait for it. */
function answerBatch(receipts: readonly Receipt[]): Answer {
  const failed = new Set<number>();
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const receipt of receipts) {
    if (!failed.has(receipt.partition) && !fails(receipt)) continue;
    failed.add(receipt.partition);
    batchItemFailures.push({ itemIdentifier: eventId(receipt) });
  }
  return { status: 200, body: JSON.stringify({ batchItemFailures }) };
}
