// What three clients make of the bytes of an answer, in the same words: ours, the one of Node, and undici.
import { Agent, request, type IncomingMessage } from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Client, type buildConnector } from 'undici';
import { AnswerParser } from '../../../gateway/http/answer-parser.ts';

export type Verdict =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'read'; readonly status: number; readonly body: string; readonly isReusable: boolean };

/** So many turns of the event loop a client has for what it does with bytes that have come. */
const turnsPerRead = 5;
const mostTurns = 100;

/** The connection ends behind the bytes. */
export function readWithOurs(bytes: Buffer): Verdict {
  let status = 0;
  const body: Buffer[] = [];
  const parser = new AnswerParser({
    onHead: (head) => void (status = head.status),
    onBody: (part) => void body.push(part),
  });
  const progress = parser.read(bytes);
  if (typeof progress === 'object') return { kind: 'refused', reason: progress.malformed };
  const { isReusable } = parser;
  if (parser.end() !== 'whole') return { kind: 'refused', reason: 'cut' };
  return { kind: 'read', status, body: Buffer.concat(body).toString('latin1'), isReusable };
}

export async function readWithNode(bytes: Buffer): Promise<Verdict> {
  const { near, answer } = connect();
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => near;
  let response: IncomingMessage | undefined;
  const verdict = await answer(bytes, (decide) => {
    const sent = request({ method: 'POST', agent, headers: { 'content-length': 0 } });
    sent.on('error', (error) => {
      // Of what follows an answer that is whole, Node says so too.
      if (response?.complete !== true) decide(refused(error));
    });
    sent.on('upgrade', ({ statusCode = 0 }) =>
      decide({ kind: 'read', status: statusCode, body: '', isReusable: false }),
    );
    sent.on('response', (incoming) => {
      response = incoming;
      const { statusCode: status = 0 } = incoming;
      let body = '';
      incoming.setEncoding('latin1').on('data', (part: string) => (body += part));
      incoming.on('error', (error) => decide(refused(error)));
      incoming.on('end', () => {
        if (incoming.complete) decide({ kind: 'read', status, body, isReusable: true });
      });
    });
    sent.end();
  });
  agent.destroy();
  return verdict;
}

export async function readWithUndici(bytes: Buffer): Promise<Verdict> {
  const { near, answer } = connect();
  const connector = ((_options: unknown, done: (error: null, socket: Duplex) => void) => {
    process.nextTick(done, null, near);
  }) as unknown as buildConnector.connector;
  const client = new Client('http://function', { connect: connector, headersTimeout: 0, bodyTimeout: 0 });
  const verdict = await answer(bytes, (decide) => {
    const read = async (): Promise<Verdict> => {
      const response = await client.request({ method: 'POST', path: '/' });
      const body = Buffer.from(await response.body.arrayBuffer()).toString('latin1');
      return { kind: 'read', status: response.statusCode, body, isReusable: true };
    };
    read().then(decide, (error: unknown) => decide(refused(error as Error)));
  });
  await client.destroy();
  return verdict;
}

/** A connection, and the side of the function on it: it answers with `bytes`, waits, and ends it. */
function connect() {
  const [near, far] = duplexPair();
  const self = (): Duplex => near;
  Object.assign(near, { setKeepAlive: self, setNoDelay: self, ref: self, unref: self, setTimeout: self });
  near.on('error', () => undefined);
  far.on('error', () => undefined).resume();
  const answer = async (
    bytes: Buffer,
    ask: (decide: (verdict: Verdict) => void) => void,
  ): Promise<Verdict> => {
    let verdict: Verdict | undefined;
    ask((decided) => (verdict ??= decided));
    await turn();
    far.write(bytes);
    for (let count = 0; count < turnsPerRead; count += 1) await turn();
    const isKept = verdict !== undefined && !near.destroyed;
    far.end();
    for (let count = 0; verdict === undefined && count < mostTurns; count += 1) await turn();
    near.destroy();
    far.destroy();
    verdict ??= { kind: 'refused', reason: 'no end' };
    return verdict.kind === 'read' ? { ...verdict, isReusable: verdict.isReusable && isKept } : verdict;
  };
  return { near, answer };
}

function refused(error: Error & { code?: string }): Verdict {
  return { kind: 'refused', reason: error.code ?? error.message };
}
