import t from 'tap';
import type { Resource, ResourceChange } from '../../../../core/contract/kubernetes-client.ts';
import { TriggerTable } from '../../../../core/kubernetes/informers/trigger-table.ts';
import { kafkaCluster, specOf, trigger, type SmallSpec } from './start-triggers.ts';

let judgements = 0;
/** Counts how often a trigger with a filter is judged. */
const context = {
  checkExpression: () => {
    judgements += 1;
    return undefined;
  },
  functionUris: 'guarded',
} as const;

/** The resources of a cluster, whose changes reach the table. */
class Cluster {
  readonly table = new TriggerTable(context);
  readonly #resources = new Map<string, Resource>();

  put(...resources: readonly Resource[]): string[] {
    return this.#apply(resources, (key, resource) => this.#resources.set(key, resource));
  }

  remove(...resources: readonly Resource[]): string[] {
    return this.#apply(resources, (key) => this.#resources.delete(key));
  }

  /** Returns the keys of the triggers that are reported. */
  #apply(resources: readonly Resource[], change: (key: string, resource: Resource) => void): string[] {
    const changes: Record<string, ResourceChange[]> = { Trigger: [], KafkaCluster: [] };
    for (const resource of resources) {
      const { kind, metadata } = resource;
      const key = `${kind} ${metadata.namespace}/${metadata.name}`;
      const before = this.#resources.get(key);
      change(key, resource);
      changes[kind]!.push({ before, after: this.#resources.get(key) });
    }
    return this.table
      .apply(changes.Trigger!, changes.KafkaCluster!)
      .map(({ key }) => key)
      .toSorted();
  }
}

function edited(resource: Resource, spec: SmallSpec, generation: number): Resource {
  return { ...resource, metadata: { ...resource.metadata, generation }, spec: specOf(spec) };
}

const filtered = (name: string, cluster: string): Resource => {
  const { spec, ...rest } = trigger(name, { cluster, group: name, ref: name });
  return { ...rest, spec: { ...(spec as object), filters: [{ cel: 'true' }] } };
};

t.test('a trigger is judged once per edit, and read again when its KafkaCluster changes', async (t) => {
  const cluster = new Cluster();
  const [a, b] = [filtered('a', 'east'), filtered('b', 'west')];
  const east = (port: number) => kafkaCluster('east', { bootstrapServers: `east:${port}` });
  cluster.put(east(1), kafkaCluster('west', { bootstrapServers: 'west:1' }), a, b);
  judgements = 0;
  const before = cluster.table.get('geo/a')?.running;
  t.strictSame(cluster.put({ ...a, status: { backlog: '1-9' } }), ['geo/a']);
  t.equal(cluster.table.get('geo/a')?.running, before, 'a status changes nothing');
  t.strictSame(cluster.put({ ...east(1), metadata: { ...east(1).metadata, labels: { a: 'b' } } }), []);
  t.strictSame(cluster.put(east(2)), ['geo/a']);
  t.strictSame(cluster.table.get('geo/a')?.running?.source.access?.brokers, ['east:2']);
  t.equal(judgements, 0);
  cluster.put(edited(a, { cluster: 'west' }, 2));
  t.strictSame(cluster.put(east(3)), [], 'it names another one by now');
  t.strictSame(cluster.put(kafkaCluster('west', { bootstrapServers: 'west:2' })), ['geo/a', 'geo/b']);
});

t.test('triggers of one KafkaCluster share what leads to it', async (t) => {
  const cluster = new Cluster();
  cluster.put(
    kafkaCluster('east', { bootstrapServers: 'east:1' }),
    filtered('a', 'east'),
    filtered('b', 'east'),
  );
  const accessOf = (key: string) => cluster.table.get(key)?.running?.source.access;
  t.ok(accessOf('geo/a'));
  t.equal(accessOf('geo/a'), accessOf('geo/b'));
  const before = cluster.table.get('geo/a')?.running;
  cluster.put(kafkaCluster('east', { bootstrapServers: 'east:1', allowedNamespaces: ['shop'] }));
  t.equal(cluster.table.get('geo/a')?.running, before, 'an edit that leads nowhere else changes no trigger');
});

t.test('who else may have a group or a function is told when it is claimed or given up', async (t) => {
  const cluster = new Cluster();
  const at = (resource: Resource, creationTimestamp: string): Resource => ({
    ...resource,
    metadata: { ...resource.metadata, creationTimestamp, uid: creationTimestamp },
  });
  const old = at(trigger('old', { group: 'g', ref: 'f' }), '2026-01-01T00:00:00Z');
  const young = at(trigger('young', { group: 'g', ref: 'f' }), '2026-02-01T00:00:00Z');
  const third = at(trigger('third', { ref: 'f' }), '2026-03-01T00:00:00Z');
  const { table } = cluster;
  cluster.put(young, third);
  t.equal(table.groupHolder('geo/young'), undefined);
  t.equal(table.workloadHolder('geo/third'), 'geo/young');
  t.equal(table.workloadHolder('geo/young'), undefined);
  t.strictSame([...table.targeting('geo', 'apps/v1', 'Deployment', 'f')], ['geo/young', 'geo/third']);

  t.strictSame(cluster.put(old), ['geo/old', 'geo/third', 'geo/young']);
  t.equal(table.groupHolder('geo/young'), 'geo/old');
  t.equal(table.groupHolder('geo/old'), undefined);
  for (const key of ['geo/young', 'geo/third']) t.equal(table.workloadHolder(key), 'geo/old');

  const leaving = { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-04-01T00:00:00Z' } };
  t.strictSame(cluster.put(leaving), ['geo/old', 'geo/third', 'geo/young']);
  t.equal(table.get('geo/old')?.running, undefined);
  t.ok(table.get('geo/old')?.accepted, 'its drain still knows what it read');
  t.equal(table.groupHolder('geo/young'), undefined);
  t.strictSame(cluster.remove(leaving), ['geo/old']);
  t.equal(table.workloadHolder('geo/third'), 'geo/young');
  t.equal(table.workloadHolder('geo/nobody'), undefined);
});

t.test('a trigger whose KafkaCluster was deleted keeps what it was accepted with', async (t) => {
  const cluster = new Cluster();
  const [east, a] = [kafkaCluster('east', { bootstrapServers: 'east:1' }), trigger('a', { cluster: 'east' })];
  cluster.put(east, a);
  t.strictSame(cluster.remove(east), ['geo/a']);
  const { reading, accepted, running } = cluster.table.get('geo/a')!;
  t.match(reading, { kind: 'wrong', reason: 'UnknownCluster' });
  t.strictSame(accepted?.source.access?.brokers, ['east:1']);
  t.equal(running, accepted);
  t.strictSame(cluster.put(east), ['geo/a']);
  t.equal(cluster.table.get('geo/a')?.reading.kind, 'right');
  t.strictSame(cluster.put(kafkaCluster('east', {})), ['geo/a']);
  t.match(cluster.table.get('geo/a')?.reading, { kind: 'wrong', reason: 'InvalidCluster' });
});

t.test('a wrong edit leaves what was accepted; what was never right has nothing', async (t) => {
  const cluster = new Cluster();
  const service = (spec: object): Resource => ({ ...trigger('a'), spec });
  const right = { source: { topics: ['orders'] }, function: { service: { name: 'f' } } };
  cluster.put(service(right), trigger('never', { topics: [] }));
  t.equal(cluster.table.workloadHolder('geo/a'), undefined, 'a Service is not scaled');
  const { accepted } = cluster.table.get('geo/a')!;
  cluster.put({ ...service({}), metadata: { ...trigger('a').metadata, generation: 2 } });
  t.match(cluster.table.get('geo/a'), { reading: { kind: 'wrong' }, running: accepted, accepted });
  t.match(cluster.table.get('geo/never'), {
    reading: { kind: 'wrong' },
    running: undefined,
    accepted: undefined,
  });
  cluster.put({ ...service(right), metadata: { ...trigger('a').metadata, generation: 3 } });
  t.strictSame(cluster.table.get('geo/a')?.running, accepted);
});

t.test('what is made for 2,000 triggers and 200 KafkaClusters goes with them', async (t) => {
  const cluster = new Cluster();
  const clusters = (port: number) =>
    Array.from({ length: 200 }, (_, n) => kafkaCluster(`c${n}`, { bootstrapServers: `c:${port}` }));
  const triggers = Array.from({ length: 2_000 }, (_, n) =>
    trigger(`t${n}`, { cluster: `c${n % 200}`, ref: `f${n % 1_500}`, group: `g${n % 1_900}` }),
  );
  cluster.put(...clusters(1), ...triggers);
  t.equal([...cluster.table.keys()].length, 2_000);
  t.ok(cluster.table.size > 10_000);
  cluster.put(...clusters(2), ...triggers.map((one) => edited(one, { topics: ['x'] }, 2)));
  cluster.remove(...triggers.slice(0, 1_000), ...clusters(2));
  cluster.remove(...triggers.slice(1_000));
  t.equal(cluster.table.size, 0);
});
