// The function of a seed: healthy by default, otherwise in one failure mode at a time. Its answer to a record depends on the record's
// fate and on the number of the attempt, so that it treats a redelivery like the first delivery.
import { setTimeout as delay } from 'node:timers/promises';
import type { Receipt } from '../../fixtures/oracle/oracle-evidence.ts';
import {
  eventId,
  type Answer,
  type Behaviour,
  type Call,
  type Witness,
} from '../../fixtures/oracle/oracle-function.ts';
import { fateOf } from './load.ts';
import type { Shape } from '../scenario/scenario.ts';

export type FunctionMode =
  | { kind: 'healthy' | 'hang' | 'late' | 'slow' | 'reset' }
  | { kind: 'answers'; status: 429 | 500 | 503 }
  /** Processes the next request and dies before it answers. */
  | { kind: 'crash'; die: () => void };

export type FaultyFunction = { behave: Behaviour; mode: FunctionMode };

const slowMs = 400;
/** How long after the timeout of the gateway a late answer leaves. */
const lateMs = 300;

export function createFaultyFunction(oracle: Witness, shape: Shape): FaultyFunction {
  const fn: FaultyFunction = {
    mode: { kind: 'healthy' },
    behave: (call) => behave(call, fn.mode),
  };
  const behave = async (call: Call, mode: FunctionMode): Promise<Answer | undefined> => {
    switch (mode.kind) {
      case 'answers':
        return { status: mode.status, headers: mode.status === 500 ? {} : { 'retry-after': '1' } };
      case 'hang':
        return undefined;
      case 'crash':
        acceptInDoubt(oracle, call, 'crashed before it answered');
        mode.die();
        return undefined;
      case 'reset':
        // The status has left whole, and counts, unless it takes a body to say what is meant.
        acceptInDoubt(
          oracle,
          call,
          'reset in the body',
          shape.contentMode === 'batched' ? succeeds : () => true,
        );
        call.response.writeHead(200, { 'content-length': '1000' });
        call.response.write('half', () => call.response.socket?.resetAndDestroy());
        return undefined;
      case 'late':
        await delay(shape.timeoutMs + lateMs);
        break;
      case 'slow':
        await delay(slowMs);
        break;
      case 'healthy':
        if (shape.answerMs > 0) await delay(shape.answerMs);
        break;
    }
    return shape.contentMode === 'batched' ? answerBatch(call.receipts) : answerOne(call.receipts[0]);
  };
  return fn;
}

function acceptInDoubt(oracle: Witness, { receipts }: Call, why: string, isAccepted = succeeds): void {
  for (const receipt of receipts.filter(isAccepted)) {
    oracle.accepted(receipt);
    receipt.doubt ??= why;
  }
}

function succeeds(receipt: Receipt): boolean {
  return !fails(receipt);
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

/** Accepts nothing behind a failure in the same partition: its lane must wait for the failed record. */
function answerBatch(receipts: readonly Receipt[]): Answer {
  const failed = new Set<string>();
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const receipt of receipts) {
    const source = `${receipt.topic} ${receipt.partition}`;
    if (!failed.has(source) && !fails(receipt)) continue;
    failed.add(source);
    batchItemFailures.push({ itemIdentifier: eventId(receipt) });
  }
  return { status: 200, body: JSON.stringify({ batchItemFailures }) };
}
