import t from 'tap';
import {
  chooseCluster,
  findDoubleClusters,
  knownCluster,
  validateKafkaCluster,
} from '../../../gateway/contract/kafka-cluster.ts';
import type { FilledTrigger } from '../../../gateway/contract/trigger.ts';
import { apiVersion } from '../../../gateway/contract/trigger.ts';
import { triggerWith } from './minimal-trigger.ts';

const declared = (name: string, bootstrapServers: unknown, namespace = 'default') => ({
  apiVersion,
  kind: 'KafkaCluster',
  metadata: { name, namespace },
  spec: { bootstrapServers },
});
const known = (name: string, servers: unknown, namespace?: string) =>
  knownCluster(validateKafkaCluster(declared(name, servers, namespace)));
const wanting = (cluster: string) =>
  triggerWith({ 'metadata.namespace': 'default', 'spec.source.cluster': cluster }) as FilledTrigger;

t.test('a KafkaCluster is judged by its schema', async (t) => {
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
      remedy: /^Write a KafkaCluster elsewhere in that namespace/,
    },
  });
});

t.test('a name that is nearly right is told', async (t) => {
  t.match(chooseCluster(wanting('payy'), [known('pay', 'a:1')]), {
    mistake: { remedy: 'Did you mean `cluster: pay`?' },
  });
});

t.test('the second of one name in one namespace', async (t) => {
  const clusters = [known('a', 'a:1'), known('a', 'b:1'), known('a', 'c:1', 'geo')];
  t.strictSame(findDoubleClusters(clusters), [clusters[1]]);
});
