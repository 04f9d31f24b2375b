import t from 'tap';
import { jsonOutputs } from '../../../cli/program/json-fields.ts';
import { jsonOf, lineOf, tableOf, type TriggerStatus } from '../../../cli/status/table.ts';

const awake: TriggerStatus = {
  key: 'geo/quake-stats',
  name: 'quake-stats',
  backlog: 83n,
  inFlight: 16,
  replicas: { desired: 4, ready: 2, alive: 4 },
  delivered: 412,
  filtered: 0,
  deadLettered: 0,
  replies: 0,
};
const elsewhere: TriggerStatus = {
  ...awake,
  key: 'shop/far',
  name: 'far',
  backlog: undefined,
  replicas: undefined,
};

t.test('a table', async (t) => {
  t.strictSame(tableOf([awake, elsewhere, { ...awake, replicas: { desired: 0, ready: 0, alive: 1 } }], 100), [
    'trigger          backlog  in flight  ready  delivered  filtered  dead  replies  replicas',
    'geo/quake-stats       83         16    2/4        412         0     0        0  ●●○○',
    'shop/far               ?         16      -        412         0     0        0',
    'geo/quake-stats       83         16    0/0        412         0     0        0  asleep',
  ]);
  t.match(tableOf([{ ...awake, trouble: 'topic "x" missing' }], 100)[1], /0 {2}topic "x" missing$/);
  t.ok(tableOf([awake], 40).every((line) => line.length <= 40));
});

t.test('a line', async (t) => {
  t.equal(lineOf(awake), 'geo/quake-stats 2/4 ready, backlog 83, 16 in flight, 412 delivered');
  t.equal(
    lineOf({ ...elsewhere, filtered: 3, deadLettered: 1, trouble: '1 blocked' }),
    'shop/far backlog ?, 16 in flight, 412 delivered, 3 filtered, 1 dead-lettered, 1 blocked',
  );
});

t.test('an object, with the fields that are documented', async (t) => {
  const [, documented] = jsonOutputs.dev ?? [];
  t.strictSame(Object.keys(jsonOf(awake)), Object.keys(documented?.fields ?? {}));
  t.match(jsonOf(awake), { trigger: 'geo/quake-stats', backlog: 83, replicas: { ready: 2, desired: 4 } });
  t.match(jsonOf(elsewhere), { backlog: null, replicas: null, trouble: null });
});
