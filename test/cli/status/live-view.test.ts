import { PassThrough } from 'node:stream';
import t from 'tap';
import { LiveView } from '../../../cli/status/live-view.ts';
import { jsonOf, lineOf, tableOf, type TriggerStatus } from '../../../cli/status/table.ts';

const status: TriggerStatus = {
  key: 'geo/one',
  name: 'one',
  backlog: 0n,
  inFlight: 0,
  replicas: { desired: 0, ready: 0, alive: 0 },
  delivered: 0,
  filtered: 0,
  deadLettered: 0,
  replies: 0,
};

function written(stream: PassThrough): string {
  return (stream.read() as Buffer | null)?.toString() ?? '';
}

/** Three lines up, and nothing below. */
const cleared = '\u001b[3A\r\u001b[J';

t.test('on a terminal, messages scroll above a table', async (t) => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const view = new LiveView({ stream, read: () => [status], tableOf, lineOf });
  t.teardown(() => view.stop());
  view.print('hello');
  t.match(written(stream), /^hello\n\ntrigger .*\ngeo\/one {2}.*asleep\n$/);
  view.print('again');
  t.ok(written(stream).startsWith(`${cleared}again\n\ntrigger `), 'the table is cleared first');
  view.stop();
  t.ok(written(stream).startsWith(`${cleared}\ntrigger`), 'and stays at the end');
  view.print('done');
  t.match(written(stream), /^done\n$/, 'after which there is no table any more');
});

t.test('elsewhere, only what has changed is written', async (t) => {
  const stream = new PassThrough();
  let statuses = [status];
  const view = new LiveView({ stream, read: () => statuses, tableOf, lineOf });
  t.teardown(() => view.stop());
  view.print('\u001b[31mred\u001b[0m');
  t.equal(written(stream), 'red\n', 'without control characters');
  view.stop();
  t.equal(written(stream), 'geo/one 0/0 ready, backlog 0, 0 in flight, 0 delivered\n');
  statuses = [{ ...status, delivered: 1 }];
  view.stop();
  t.equal(written(stream), 'geo/one 0/0 ready, backlog 0, 0 in flight, 1 delivered\n');
});

t.test('two triggers of one name do not take turns', async (t) => {
  const stream = new PassThrough();
  const statuses = [status, { ...status, key: 'shop/one' }];
  const view = new LiveView({ stream, read: () => statuses, tableOf, lineOf });
  t.teardown(() => view.stop());
  view.stop();
  t.match(written(stream), /^geo\/one .*\nshop\/one .*\n$/);
  view.stop();
  t.equal(written(stream), '', 'nothing has changed');
});

t.test('messages go elsewhere where only lines belong in the stream, even on a terminal', async (t) => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const messages = new PassThrough();
  const view = new LiveView({
    stream,
    messages,
    read: () => [status],
    tableOf,
    lineOf: (one) => JSON.stringify(jsonOf(one)),
  });
  t.teardown(() => view.stop());
  view.print('hello');
  view.stop();
  t.equal(written(messages), 'hello\n');
  t.match(JSON.parse(written(stream)), {
    trigger: 'geo/one',
    backlog: 0,
    replicas: { ready: 0 },
    trouble: null,
  });
});
