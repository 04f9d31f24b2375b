import t, { type Test } from 'tap';
import { missingIn } from '../../../../core/resources/cluster-resolution.ts';
import { kafkaClusterKind, triggerKind } from '../../../../core/resources/kinds.ts';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import type { SecretReader } from '../../../../core/contract/secret-reader.ts';
import { withResolvedClusters } from '../../../../core/kubernetes/informers/resolved-clusters.ts';
import { ResourceMap } from '../../../../core/kubernetes/informers/resource-map.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { kafka, users } from '../../../fixtures/kubernetes/strimzi-resources.ts';
import { until } from '../../../scaler/fixtures/until.ts';

const ofVersion = (version: string) => ({
  kafka: { apiVersion: `kafka.strimzi.io/${version}`, kind: 'Kafka', plural: 'kafkas' },
  user: { apiVersion: `kafka.strimzi.io/${version}`, kind: 'KafkaUser', plural: 'kafkausers' },
});

const cluster = (name: string, spec: object): Resource => ({
  apiVersion: kafkaClusterKind.apiVersion,
  kind: kafkaClusterKind.kind,
  metadata: { name, namespace: 'geo' },
  spec,
});
const pay = cluster('pay', { strimzi: { kafka: 'my-cluster', user: 'orders' } });

async function start(
  t: Test,
  kubernetes: MemoryKubernetes,
  secrets: Pick<SecretReader, 'read'> = memorySecrets(),
) {
  const known = new ResourceMap();
  let reports = 0;
  const resources = withResolvedClusters({ client: kubernetes, secrets, checkMs: 10 });
  const stop = await resources.watch(kafkaClusterKind, {}, (changes) => {
    known.apply(changes);
    reports += 1;
  });
  t.teardown(stop);
  /** The brokers, or what is missing. */
  const leadsTo = (name = 'pay'): string => {
    const one = known.get(`geo/${name}`);
    if (one === undefined) return 'not there';
    const { bootstrapServers } = one.spec as { bootstrapServers?: string };
    return bootstrapServers ?? missingIn(one).message;
  };
  const untilIt = (leads: RegExp, name?: string): Promise<unknown> => until(() => leads.test(leadsTo(name)));
  return { leadsTo, untilIt, stop, known, reports: () => reports };
}

const strimziAsked = ({ asked }: MemoryKubernetes) => asked.filter((one) => / Kafka(?:User)? /.test(one));
const kubernetesWith = (...versions: string[]) => {
  const kinds = versions.map(ofVersion).flatMap(({ kafka, user }) => [kafka, user]);
  return new MemoryKubernetes({ kinds: [kafkaClusterKind, triggerKind, ...kinds] });
};

t.test('Strimzi is not read before a KafkaCluster names it', async (t) => {
  const kubernetes = kubernetesWith('v1');
  await kubernetes.create(cluster('plain', { bootstrapServers: 'a:1' }));
  await kubernetes.create(cluster('wrong', { strimzi: { kafka: 'a' }, tls: {} }));
  const { leadsTo, untilIt, known } = await start(t, kubernetes);
  t.equal(leadsTo('plain'), 'a:1');
  t.match(known.get('geo/wrong'), { spec: { tls: {} } }, 'it is passed on as it is');
  t.strictSame(strimziAsked(kubernetes), []);
  await kubernetes.create(pay);
  await untilIt(/names no Kafka of namespace geo/);
});

for (const version of ['v1', 'v1beta2']) {
  t.test(`resources of ${version} are known at once, and followed`, async (t) => {
    const kubernetes = kubernetesWith(version);
    const apiVersion = `kafka.strimzi.io/${version}`;
    const { status, ...declared } = kafka();
    await kubernetes.create(pay);
    await kubernetes.create({ ...declared, apiVersion });
    await kubernetes.create({ ...users.orders, apiVersion });
    const { leadsTo, untilIt } = await start(t, kubernetes);
    t.match(leadsTo(), /without an address of its listener scram yet/);
    const report = (metadata: Resource['metadata'], kind: string, said: unknown) =>
      kubernetes.apply(
        { apiVersion, kind, metadata: { name: metadata.name, namespace: 'geo' }, status: said },
        { fieldManager: 'strimzi', force: true, subresource: 'status' },
      );
    await report(declared.metadata, 'Kafka', status);
    await untilIt(/has no Secret yet/);
    await report(users.orders.metadata, 'KafkaUser', users.orders.status);
    await untilIt(/^my-cluster-kafka-bootstrap\.geo\.svc:9093$/);
    await kubernetes.remove(ofVersion(version).user, 'geo', 'orders');
    await untilIt(/names no KafkaUser/);
  });
}

t.test('Strimzi may be installed later, upgraded and removed', async (t) => {
  const kubernetes = kubernetesWith('v1beta2', 'v1');
  let served: readonly string[] = [];
  kubernetes.hasKind = (apiVersion) => Promise.resolve(served.includes(apiVersion));
  await kubernetes.create(pay);
  const { leadsTo, untilIt } = await start(t, kubernetes);
  t.match(leadsTo(), /needs Strimzi/);
  served = ['kafka.strimzi.io/v1beta2'];
  await untilIt(/names no Kafka of/);
  await kubernetes.create({ ...kafka(), apiVersion: 'kafka.strimzi.io/v1' });
  served = ['kafka.strimzi.io/v1beta2', 'kafka.strimzi.io/v1'];
  await untilIt(/names no KafkaUser of/);
  kubernetes.hasKind = () => Promise.reject(new Error('away'));
  await kubernetes.create({ ...users.orders, apiVersion: 'kafka.strimzi.io/v1' });
  await untilIt(/address/);
  kubernetes.hasKind = () => Promise.resolve(false);
  await untilIt(/needs Strimzi/);
});

t.test('a missing right is reported, and tried again', async (t) => {
  const kubernetes = kubernetesWith('v1');
  kubernetes.fails = (_verb, kind) => (kind === 'KafkaUser' ? new Error('no right to list it') : undefined);
  await kubernetes.create(pay);
  const { leadsTo, untilIt } = await start(t, kubernetes);
  t.equal(leadsTo(), 'cannot be looked up: no right to list it');
  kubernetes.fails = undefined;
  await untilIt(/names no Kafka of/);
});

t.test('a binding is known at once, followed, and stays as it was while it cannot be read', async (t) => {
  const kubernetes = kubernetesWith();
  const secrets = memorySecrets();
  const put = (port: number) => secrets.put('geo', 'kafka', { 'bootstrap.servers': `kafka:${port}` });
  put(9092);
  await kubernetes.create(cluster('pay', { binding: { secretName: 'kafka' } }));
  let isForbidden = false;
  let reads = 0;
  const read: SecretReader['read'] = async (namespace, name) => {
    reads += 1;
    if (isForbidden) throw new Error('no right to get it');
    return secrets.read(namespace, name);
  };
  const { leadsTo, untilIt } = await start(t, kubernetes, { read });
  t.equal(leadsTo(), 'kafka:9092');
  put(9093);
  await untilIt(/^kafka:9093$/);
  isForbidden = true;
  await kubernetes.create(cluster('other', { binding: { secretName: 'other' } }));
  await untilIt(/^cannot be looked up: no right to get it$/, 'other');
  t.equal(leadsTo(), 'kafka:9093');
  isForbidden = false;
  await untilIt(/^names no Secret of namespace geo, is "other"$/, 'other');
  secrets.remove('geo', 'kafka');
  await untilIt(/^names no Secret/);
  for (const name of ['pay', 'other']) await kubernetes.remove(kafkaClusterKind, 'geo', name);
  await untilIt(/not there/);
  const before = reads;
  await kubernetes.create(cluster('plain', { bootstrapServers: 'a:1' }));
  await untilIt(/a:1/, 'plain');
  t.ok(reads <= before + 2, 'there are no reads any more');
});

t.test('other kinds are watched as they are; once stopped, nothing is reported', async (t) => {
  const kubernetes = kubernetesWith('v1');
  await kubernetes.create(pay);
  const { stop, reports } = await start(t, kubernetes);
  stop();
  const before = reports();
  await kubernetes.create(kafka());
  const resources = withResolvedClusters({ client: kubernetes, secrets: memorySecrets() });
  let triggers = 0;
  t.teardown(await resources.watch(triggerKind, {}, () => (triggers += 1)));
  await kubernetes.create({ ...pay, kind: triggerKind.kind });
  await until(() => triggers === 2);
  t.equal(reports(), before);
});
