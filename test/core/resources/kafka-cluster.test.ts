import fc from 'fast-check';
import t from 'tap';
import {
  chooseCluster,
  findDuplicateClusters,
  isGranted,
  knownCluster,
  placeOf,
  validateKafkaCluster,
  type KnownCluster,
} from '../../../core/resources/kafka-cluster.ts';
import type { FilledTrigger } from '../../../core/resources/schema/trigger-schema.ts';
import { apiVersion } from '../../../core/resources/schema/trigger-schema.ts';
import { triggerWith } from './minimal-trigger.ts';

const declared = (name: string, bootstrapServers: unknown, namespace = 'default', more = {}) => ({
  apiVersion,
  kind: 'KafkaCluster',
  metadata: { name, namespace },
  spec: { bootstrapServers, ...more },
});
const known = (name: string, servers: unknown, namespace?: string) =>
  knownCluster(validateKafkaCluster(declared(name, servers, namespace)));
const wanting = (cluster: string) =>
  triggerWith({ 'metadata.namespace': 'default', 'spec.source.cluster': cluster }) as FilledTrigger;

t.test('a KafkaCluster is validated by its schema', async (t) => {
  t.match(validateKafkaCluster(declared('pay', 'a:1')), {
    kind: 'right',
    cluster: { spec: { bootstrapServers: 'a:1' } },
  });
  t.match(validateKafkaCluster({ ...declared('pay', 'a:1'), spec: { bootstrapServer: 'a:1' } }), {
    kind: 'wrong',
    mistakes: [
      { at: ['spec', 'bootstrapServer'], remedy: 'Did you mean `bootstrapServers`?' },
      {
        at: ['spec'],
        message: /^must have exactly one of bootstrapServers, strimzi, binding, has none of them$/,
      },
    ],
  });
});

t.test('how it is secured goes with it; one that is to be looked up leads nowhere by itself', async (t) => {
  const tls = { ca: { secretName: 'kafka-ca' } };
  const authentication = { type: 'plain', username: 'orders', password: { secretName: 'orders' } };
  const secured = { ...declared('pay', 'a:1'), spec: { bootstrapServers: 'a:1', tls, authentication } };
  t.match(knownCluster(validateKafkaCluster(secured)).access, { brokers: ['a:1'], tls, authentication });
  const classic = declared('pay', 'a:1', 'default', { groupProtocol: 'classic' });
  t.match(knownCluster(validateKafkaCluster(classic)).access, { brokers: ['a:1'], groupProtocol: 'classic' });
  const named = { ...declared('pay', 'a:1'), spec: { strimzi: { kafka: 'my-cluster' } } };
  t.strictSame(knownCluster(validateKafkaCluster(named)).access, undefined);
});

t.test('the cluster of a trigger is one of its namespace, else the installation’s', async (t) => {
  const clusters = [known('pay', 'a:1'), known('wrong', 'a'), known('elsewhere', 'b:1', 'geo')];
  t.strictSame(chooseCluster(wanting('pay'), clusters), {
    kind: 'found',
    access: { brokers: ['a:1'], namespace: 'default' },
  });
  t.strictSame(chooseCluster(wanting('main'), clusters), { kind: 'found', access: undefined });
  t.strictSame(chooseCluster(wanting('main'), [known('main', 'c:1')]), {
    kind: 'found',
    access: { brokers: ['c:1'], namespace: 'default' },
  });
  t.strictSame(chooseCluster(wanting('wrong'), clusters), { kind: 'wrong' });
  t.match(chooseCluster(wanting('elsewhere'), clusters), {
    kind: 'unknown',
    mistake: {
      at: ['spec', 'source', 'cluster'],
      remedy: /^Create a KafkaCluster elsewhere in that namespace/,
    },
  });
});

t.test('a name that is nearly right is reported', async (t) => {
  t.match(chooseCluster(wanting('payy'), [known('pay', 'a:1')]), {
    mistake: { remedy: 'Did you mean `cluster: pay`?' },
  });
});

const shared = (allowedNamespaces: unknown, servers: unknown = 'a:1') =>
  knownCluster(validateKafkaCluster(declared('main', servers, 'platform', { allowedNamespaces })));

t.test('the cluster of another namespace is its to grant', async (t) => {
  const access = { brokers: ['a:1'], namespace: 'platform' };
  for (const allowed of [['default'], ['shop', 'default'], ['*']])
    t.strictSame(
      chooseCluster(wanting('platform/main'), [shared(allowed)]),
      { kind: 'found', access },
      allowed.join(),
    );
  t.strictSame(chooseCluster(wanting('main'), [shared(['*'])]), { kind: 'found', access: undefined });
  t.strictSame(chooseCluster(wanting('platform/main'), [shared(['default'], 'a')]), { kind: 'wrong' });
  const own = known('pay', 'b:1');
  t.match(chooseCluster(wanting('default/pay'), [own]), { kind: 'found', access: { brokers: ['b:1'] } });
  t.match(chooseCluster(wanting('default/main'), [own]), { kind: 'unknown' });
});

t.test('without its grant, nobody learns whether it exists', async (t) => {
  const told = (...clusters: readonly ReturnType<typeof known>[]) =>
    chooseCluster(wanting('platform/main'), clusters);
  t.match(told(), {
    kind: 'ungranted',
    mistake: {
      at: ['spec', 'source', 'cluster'],
      message: 'names no KafkaCluster that namespace default may use, is "platform/main"',
      remedy: /^Ask the owner of the KafkaCluster to add default to its spec\.allowedNamespaces\. /,
    },
  });
  for (const allowed of [undefined, [], ['shop'], ['Default'], 'default', { default: true }])
    t.strictSame(told(shared(allowed)), told(), JSON.stringify(allowed));
  t.strictSame(told(shared(['shop'], 'no port')), told(), 'one with mistakes');
  t.match(chooseCluster(wanting('platform/mian'), [shared(['*'])]), {
    mistake: { remedy: 'Did you mean `cluster: platform/main`?' },
  });
});

/** The KafkaCluster that a trigger of `own` names as `cluster`. */
function at(cluster: string, own: string, all: readonly KnownCluster[]): KnownCluster | undefined {
  const place = placeOf(cluster, own);
  return all.find(({ namespace, name }) => namespace === place.namespace && name === place.name);
}

t.test('a grant allows for as long as it is there', async (t) => {
  const there = (allowedNamespaces?: unknown) => [
    declared('main', 'a:1', 'shop', { allowedNamespaces: ['*'] }),
    declared('main', 'a:1', 'platform', { allowedNamespaces }),
  ];
  const geo = (cluster: string, ...args: Parameters<typeof there>) =>
    isGranted(
      cluster,
      'geo',
      at(
        cluster,
        'geo',
        there(...args)
          .map(validateKafkaCluster)
          .map(knownCluster),
      ),
    );
  t.ok(geo('platform/main', ['geo']));
  t.ok(geo('platform/main', ['*']));
  t.notOk(geo('platform/main', ['shop']));
  t.notOk(geo('platform/main'));
  t.notOk(geo('platform/other', ['*']));
  t.ok(geo('main'), 'its own, which a wrong edit does not take from it');
  t.ok(geo('geo/gone'));
});

t.test('a trigger reaches no cluster but those of its namespace, and those granted to it', async (t) => {
  const namespace = fc.constantFrom('geo', 'shop', 'platform');
  const name = fc.constantFrom('main', 'pay');
  const clusters = fc.uniqueArray(
    fc.record({
      namespace,
      name,
      allowed: fc.array(fc.constantFrom('geo', 'shop', 'platform', '*', 'Geo', '')),
    }),
    { selector: (one) => `${one.namespace}/${one.name}` },
  );
  const named = fc.oneof(
    name,
    fc.tuple(namespace, name).map((parts) => parts.join('/')),
  );
  fc.assert(
    fc.property(clusters, namespace, named, (all, own, cluster) => {
      const resources = all.map((one) =>
        declared(one.name, `${one.name}.${one.namespace}:1`, one.namespace, {
          allowedNamespaces: one.allowed,
        }),
      );
      const known = resources.map((resource) => knownCluster(validateKafkaCluster(resource)));
      // Those with `Geo` or nothing among their grants are wrong, and lead nowhere.
      const usable = all.filter(
        ({ namespace, allowed }) => namespace === own || allowed.includes(own) || allowed.includes('*'),
      );
      const text = `${cluster.includes('/') ? '' : `${own}/`}${cluster}`;
      const meant = usable.find((one) => `${one.namespace}/${one.name}` === text);
      const trigger = triggerWith({
        'metadata.namespace': own,
        'spec.source.cluster': cluster,
      }) as FilledTrigger;
      const choice = chooseCluster(trigger, known);
      const isForeign = !text.startsWith(`${own}/`);
      if (choice.kind === 'found' && choice.access !== undefined) {
        t.strictSame(choice.access.brokers, [`${meant?.name}.${meant?.namespace}:1`]);
        t.equal(choice.access.namespace, meant?.namespace);
      } else if (choice.kind !== 'found' && choice.kind !== 'wrong') {
        t.equal(meant, undefined);
        t.equal(choice.kind, isForeign ? 'ungranted' : 'unknown');
        // As where nothing is there that it may not use.
        t.strictSame(
          choice,
          chooseCluster(
            trigger,
            known.filter((_, index) => usable.includes(all[index]!)),
          ),
        );
      }
      t.equal(isGranted(cluster, own, at(cluster, own, known)), !isForeign || meant !== undefined);
    }),
  );
});

t.test('the second of one name in one namespace', async (t) => {
  const clusters = [known('a', 'a:1'), known('a', 'b:1'), known('a', 'c:1', 'geo')];
  t.strictSame(findDuplicateClusters(clusters), [clusters[1]]);
});
