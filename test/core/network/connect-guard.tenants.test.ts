// Every address that a tenant can name, in any field of any resource, passes the guard: none of them leads to where tenants have nothing.
// A new field with an address fails this test until it stands in the table.
import t from 'tap';
import type { OauthCredentials } from '../../../core/contract/kafka-access.ts';
import { createOauthTokens } from '../../../core/credentials/oauth-tokens.ts';
import { openSocket } from '../../../core/kafka/connection/socket/open-socket.ts';
import { readyEndpoints } from '../../../core/kubernetes/informers/endpoint-slices.ts';
import { createConnectGuard } from '../../../core/network/connect-guard.ts';
import { endpointSliceKind } from '../../../core/resources/kinds.ts';
import { clusterFieldTable, fieldTable, type Field } from '../../../core/resources/schema/fields.ts';
import { dial } from '../../../gateway/http/dial.ts';
import { targetOf } from '../../../gateway/http/target.ts';
import { planted } from '../../fixtures/secrets/planted.ts';
import { countConnections } from '../../fixtures/tenant-guard.ts';

t.setTimeout(60_000);
const apiServer = '10.96.0.1';
const guard = createConnectGuard({
  apiServerHosts: [apiServer],
  resolve: async (name) => [{ address: name === 'api.test' ? apiServer : '127.0.0.1', family: 4 }],
});

/** Ends with why there is no connection to `host`, or with undefined. */
type Attempt = (host: string, port: number) => Promise<unknown>;

const toBroker: Attempt = (host, port) =>
  new Promise((resolve) => {
    const onConnect = (): void => resolve(undefined);
    openSocket({ host, port, guard }, onConnect).once('error', resolve);
  });

const toTokenEndpoint: Attempt = async (host, port) => {
  const credentials = (): OauthCredentials => ({
    mechanism: 'oauthbearer',
    tokenEndpoint: `https://${inUrl(host)}:${port}/`,
    clientId: 'a',
    clientSecret: planted('guarded'),
  });
  const tokens = createOauthTokens({ credentials, guard });
  const why: unknown = await tokens.token().then(
    () => undefined,
    (error: unknown) => error,
  );
  await tokens.close();
  return why;
};

const toFunction: Attempt = (host, port) =>
  new Promise((resolve) => {
    const onConnected = (): void => resolve(undefined);
    dial(
      targetOf(`http://${inUrl(host)}:${port}`),
      { guard },
      { onConnected, onFailure: resolve, onBytes: () => undefined },
    );
  });

const inSlice: Attempt = (host) => {
  const { apiVersion, kind } = endpointSliceKind;
  const [metadata, endpoints, ports] = [{ name: 'a' }, [{ addresses: [host] }], [{ port: 80 }]];
  // The API server refuses a name in any but a slice of this type.
  const addressType = /[g-z]/.test(host) ? 'FQDN' : host.includes(':') ? 'IPv6' : 'IPv4';
  const slice = { apiVersion, kind, metadata, addressType, endpoints, ports };
  const { ready, refused } = readyEndpoints([slice], 80, guard.whyRefused);
  const isRefused = ready.length === 0 && refused[0]?.address === host;
  return Promise.resolve(isRefused ? { code: 'MILLRACE_ADDRESS_REFUSED' } : undefined);
};

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Field of a Trigger or KafkaCluster → what is done with the address in it. */
const fields: Readonly<Record<string, Attempt>> = {
  'KafkaCluster spec.bootstrapServers': toBroker,
  'KafkaCluster spec.authentication.tokenEndpoint': toTokenEndpoint,
  'Trigger spec.function.uri': toFunction,
  'Trigger spec.function.authentication.tokenEndpoint': toTokenEndpoint,
};
/** Addresses that tenants name elsewhere. Those of Strimzi and of bindings become `bootstrapServers`. */
const elsewhere: Readonly<Record<string, Attempt>> = {
  'the listeners that a tenant’s broker advertises': toBroker,
  'EndpointSlices of a ref or service': inSlice,
  'the endpoints of a ref or service, when they are connected to': toFunction,
};

t.test('each field with an address is in the table', async (t) => {
  const withAddress = (kind: string, table: readonly Field[]): string[] =>
    table
      .filter(({ schema: { format } }) => /uri|servers|host|address/.test(format ?? ''))
      .map(({ path }) => `${kind} ${path}`);
  t.strictSame(
    [...withAddress('KafkaCluster', clusterFieldTable), ...withAddress('Trigger', fieldTable)].toSorted(),
    Object.keys(fields).toSorted(),
  );
});

for (const [what, attempt] of Object.entries({ ...fields, ...elsewhere })) {
  t.test(`${what}: no connection to where tenants have nothing`, async (t) => {
    const { port, connections } = await countConnections(t);
    const addresses = ['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', apiServer];
    for (const host of [
      ...addresses,
      '::1',
      '::',
      'fe80::1',
      '::ffff:127.0.0.1',
      'loopback.test',
      'api.test',
    ])
      t.match(await attempt(host, port), { code: 'MILLRACE_ADDRESS_REFUSED' }, host);
    t.equal(connections(), 0);
  });
}
