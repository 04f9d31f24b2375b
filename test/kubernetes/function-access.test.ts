// A function knows who calls by a token of a ServiceAccount, which the API server judges for it.
import t from 'tap';
import { readGatewayConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';
import { createAuthority } from '../fixtures/access/authority.ts';
import { startFunction } from '../fixtures/function-server.ts';
import { createTopic, produce, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds } from './fixtures/installation.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
await applyCrds(server);
const bootstrapServers = await useKafka(t);
const audience = 'quake-alerts';

interface Review {
  readonly status: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string };
    readonly audiences?: readonly string[];
  };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
async function review(token: string): Promise<Review['status']> {
  const spec = { token, audiences: [audience] };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  const printed = await server.kubectl(['create', '-o', 'json', '-f', '-'], JSON.stringify(body));
  return (JSON.parse(printed) as Review).status;
}

t.test('a token for its audience tells a function who calls; one for another is refused', async (t) => {
  const namespace = await createNamespace(t, server);
  const apply = (resource: object): Promise<string> =>
    server.kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], JSON.stringify(resource));
  const authority = await createAuthority('/CN=functions');
  const pair = await authority.issue({ subject: '/CN=alerts', names: ['IP:127.0.0.1'] });
  const callers: (string | undefined)[] = [];
  const answers: number[] = [];
  const fn = await startFunction(
    t,
    async ({ authorizations: [authorization = ''] }) => {
      const { authenticated = false, user } = await review(authorization.replace('Bearer ', ''));
      callers.push(user?.username);
      const answer = authenticated ? 204 : 401;
      answers.push(answer);
      return answer;
    },
    { cert: pair.certificate, key: pair.key },
  );
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const consumerGroup = uniqueName('alerts');
  const trigger = (to: string) => ({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Trigger',
    metadata: { name: 'alerts' },
    spec: {
      source: { topics: [topic], consumerGroup, initialOffset: 'earliest' },
      function: {
        uri: `${fn.origin}/`,
        tls: { ca: { secretName: 'functions' } },
        authentication: { type: 'service-account', serviceAccountName: 'caller', audience: to },
      },
      delivery: { retry: -1, backoffDelay: 'PT0.1S', backoffMax: 'PT0.5S' },
    },
  });
  await apply(trigger(audience));
  const gateway = await startGateway(
    readGatewayConfig({
      MILLRACE_FUNCTION_URIS: 'unguarded',
      KAFKA_BROKERS: bootstrapServers,
      MILLRACE_KUBERNETES: 'true',
      KUBECONFIG: server.kubeconfig,
      WATCH_NAMESPACES: namespace,
      MILLRACE_ADMIN_PORT: '0',
      LOG_LEVEL: 'silent',
    }),
    { log: silentLog },
  );
  t.teardown(() => gateway.stop());
  const state = () => gateway.snapshot()[0];
  const lack = (): string => state()?.missingCredentials ?? '';
  await produce(bootstrapServers, topic, [{ key: '1', value: '{}' }]);
  await until(() => lack().includes('the Secret functions of namespace'));
  const stringData = { 'ca.crt': authority.certificate };
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'functions' }, stringData });
  await until(() => lack().includes('caller'));
  t.equal(fn.calls.length, 0, 'nothing is sent before there is a token');
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'caller' } });
  await until(() => state()?.delivered === 1, 40_000);
  t.strictSame(callers, [`system:serviceaccount:${namespace}:caller`]);

  await apply(trigger('another'));
  await until(() => state()?.delivered === 0 && state()?.partitions === 1);
  await produce(bootstrapServers, topic, [{ key: '2', value: '{}' }]);
  await until(() => answers.length >= 3);
  t.strictSame([...new Set(answers.slice(1))], [401]);
  t.equal(callers[1], undefined);
  t.equal(state()?.delivered, 0);
});
