import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { configMapKind, triggerAuthenticationKind } from '../../../core/resources/kinds.ts';
import {
  createScalerAuthentications,
  type ScalerAuthentications,
} from '../../../controller/writes/scaler-authentications.ts';
import { MemoryKubernetes } from '../../fixtures/kubernetes/memory-kubernetes.ts';
import { scaler } from '../fixtures/observed-state.ts';

const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };
const at = (name: string, namespace = 'geo') => ({ namespace, name });

function start(): {
  client: MemoryKubernetes;
  clock: { ms: number };
  named: Set<string>;
  authentications: ScalerAuthentications;
  find: () => Promise<[ca: unknown, authentication: unknown]>;
} {
  const client = new MemoryKubernetes();
  const clock = { ms: 0 };
  const named = new Set<string>();
  const authentications = createScalerAuthentications({
    client,
    isNamedByOthers: ({ name }) => [...named].some((one) => one !== name),
    assertLeading: () => undefined,
    now: () => clock.ms,
  });
  const find = async (): Promise<[unknown, unknown]> => [
    (await client.get(configMapKind, 'geo', 'scaler-ca'))?.data,
    (await client.get(triggerAuthenticationKind, 'geo', 'scaler-ca'))?.spec,
  ];
  return { client, clock, named, authentications, find };
}

t.test('one of each for all triggers of a namespace, written once', async (t) => {
  const { client, authentications, find } = start();
  const states = await Promise.all(['a', 'b', 'c'].map((name) => authentications.ensure(at(name), secured)));
  t.strictSame(states, Array(3).fill({ kind: 'ready' }));
  t.strictSame(client.asked, [
    'get ConfigMap geo/scaler-ca',
    'apply ConfigMap geo/scaler-ca',
    'get TriggerAuthentication geo/scaler-ca',
    'apply TriggerAuthentication geo/scaler-ca',
  ]);
  t.match(await find(), [
    { 'ca.crt': 'PEM' },
    { configMapTargetRef: [{ name: 'scaler-ca', key: 'ca.crt' }] },
  ]);
});

t.test('written again when the CA changes, or somebody has changed them meanwhile', async (t) => {
  const { client, clock, authentications, find } = start();
  await authentications.ensure(at('a'), secured);
  await authentications.ensure(at('a'), { ...secured, ca: 'NEW' });
  t.match(await find(), [{ 'ca.crt': 'NEW' }]);
  await client.remove(configMapKind, 'geo', 'scaler-ca');
  await authentications.ensure(at('a'), { ...secured, ca: 'NEW' });
  t.match(await find(), [undefined], 'what was seen a moment ago is believed');
  clock.ms = 300_000;
  await authentications.ensure(at('a'), { ...secured, ca: 'NEW' });
  t.match(await find(), [{ 'ca.crt': 'NEW' }]);
});

t.test('removed with the last trigger that needs them, and made again for the next', async (t) => {
  const { client, authentications, find } = start();
  await authentications.ensure(at('a'), secured);
  await authentications.ensure(at('b'), secured);
  await authentications.release(at('a'), secured);
  t.match(await find(), [{ 'ca.crt': 'PEM' }], 'b needs them');
  authentications.keep(at('b'));
  await authentications.release(at('a'), secured);
  t.match(await find(), [{ 'ca.crt': 'PEM' }], 'b may need them');
  await authentications.release(at('b'), secured);
  t.strictSame(await find(), [undefined, undefined]);
  client.asked.length = 0;
  await authentications.release(at('a'), secured);
  t.strictSame(client.asked, [], 'nothing is looked for twice');
  t.strictSame(await authentications.ensure(at('a'), secured), { kind: 'ready' });
  t.match(await find(), [{ 'ca.crt': 'PEM' }]);
});

t.test('what an earlier leader made is found by the ScaledObjects that name it', async (t) => {
  const { client, named, authentications, find } = start();
  await createScalerAuthentications({
    client,
    isNamedByOthers: () => false,
    assertLeading: () => undefined,
    now: () => 0,
  }).ensure(at('a'), secured);
  named.add('a');
  await authentications.release(at('b'), secured);
  t.match(await find(), [{ 'ca.crt': 'PEM' }]);
  await authentications.release(at('a'), secured);
  t.strictSame(await find(), [undefined, undefined]);
});

t.test('those of somebody else are neither taken over nor removed', async (t) => {
  const { client, clock, authentications, find } = start();
  const { apiVersion, kind } = configMapKind;
  await client.create({
    apiVersion,
    kind,
    metadata: { name: 'scaler-ca', namespace: 'geo' },
    data: { a: 'b' },
  });
  const foreign = { kind: 'foreign', resource: 'ConfigMap' };
  t.strictSame(await authentications.ensure(at('a'), secured), foreign);
  await authentications.release(at('a'), secured);
  t.strictSame(await find(), [{ a: 'b' }, undefined]);
  t.strictSame(await authentications.ensure(at('a'), secured), foreign);
  await client.remove(configMapKind, 'geo', 'scaler-ca');
  clock.ms = 5_000;
  t.strictSame(await authentications.ensure(at('a'), secured), { kind: 'ready' });
});

t.test('one of somebody else with the same CA serves as well, and stays', async (t) => {
  const { client, authentications, find } = start();
  const { apiVersion, kind } = configMapKind;
  const data = { 'ca.crt': 'PEM' };
  await client.create({ apiVersion, kind, metadata: { name: 'scaler-ca', namespace: 'geo' }, data });
  t.strictSame(await authentications.ensure(at('a'), secured), { kind: 'ready' });
  await authentications.release(at('a'), secured);
  t.strictSame(await find(), [data, undefined]);
});

t.test('a refusal is told, and a failure rejects', async (t) => {
  const { client, authentications } = start();
  let code: 'MILLRACE_KUBERNETES_FORBIDDEN' | 'MILLRACE_KUBERNETES_FAILED' = 'MILLRACE_KUBERNETES_FORBIDDEN';
  client.fails = (verb, kind) =>
    verb === 'apply' && kind === 'TriggerAuthentication' ? new MillraceError(code, 'no') : undefined;
  t.strictSame(await authentications.ensure(at('a'), secured), {
    kind: 'refused',
    resource: 'TriggerAuthentication',
    message: 'no',
  });
  code = 'MILLRACE_KUBERNETES_FAILED';
  await t.rejects(authentications.ensure(at('a'), secured), { code });
  client.fails = undefined;
  t.strictSame(await authentications.ensure(at('a'), secured), { kind: 'ready' });
});

t.test('without TLS, or where one serves the whole cluster, the API server is not asked', async (t) => {
  const { client, authentications } = start();
  const whole = { ...scaler, ca: 'PEM', clusterAuthentication: 'all' };
  for (const address of [scaler, whole]) {
    t.equal(await authentications.ensure(at('a'), address), undefined);
    await authentications.release(at('a'), address);
  }
  await authentications.release(at('a'), undefined);
  authentications.forget(at('a'));
  authentications.forget(at('unknown', 'elsewhere'));
  t.strictSame(client.asked, []);
});
