import t from 'tap';
import { chooseListener } from '../../../../core/kubernetes/strimzi/strimzi-listeners.ts';
import { kafka, listener, listeners } from '../../../fixtures/kubernetes/strimzi-resources.ts';

const scram = { type: 'scram-sha-512' };
const certificate = { brokerCertChainAndKey: { secretName: 'a', certificate: 'tls.crt', key: 'tls.key' } };

/** The name of the listener, or what is missing. */
function chosen(wanted: object, shown?: string, declared: readonly object[] = listeners): string {
  const user = shown === undefined ? {} : { user: 'orders' };
  const choice = chooseListener(
    kafka('my-cluster', declared),
    { kafka: 'my-cluster', ...user, ...wanted },
    shown,
  );
  if (choice.kind === 'chosen') return choice.listener.name;
  const { at, message, remedy } = choice.mistake;
  return `${at.at(-1)}: ${message}. ${remedy}`;
}

t.test('the only internal listener with the authentication of the user', async (t) => {
  t.equal(chosen({}), 'plain');
  t.equal(chosen({}, 'scram-sha-512'), 'scram');
  t.equal(chosen({}, 'tls'), 'mutual');
});

t.test('a named listener, internal or not', async (t) => {
  t.equal(chosen({ listener: 'scramtext' }, 'scram-sha-512'), 'scramtext');
  t.equal(chosen({ listener: 'outside' }, 'scram-sha-512'), 'outside');
});

t.test('a Kafka without spec and status has none', async (t) => {
  const bare = { ...kafka(), spec: undefined, status: undefined };
  t.match(chooseListener(bare, { kafka: 'my-cluster' }, undefined), { mistake: { message: /has none$/ } });
});

const two = [listener('text', 9092, 'internal', false), listener('tls', 9093, 'internal', true)];
for (const [what, actual, said] of [
  [
    'several fit: the one with TLS is suggested',
    chosen({}, undefined, two),
    'listener: is missing, and there are several that fit: text, tls. Write `listener: tls`.',
  ],
  [
    'several fit, none with TLS',
    chosen({}, undefined, [two[0]!, listener('more', 9094, 'internal', false)]),
    /fit: text, more\. Write `listener: text`\.$/,
  ],
  [
    'none fits',
    chosen({}, 'tls', [...two, listener('out', 9094, 'route', true, scram)]),
    'strimzi: has no internal listener for the KafkaUser orders, which is of type tls: the Kafka my-cluster has text (internal, no authentication), tls (internal, no authentication), out (route, authentication scram-sha-512). Name a listener, and a KafkaUser that fits it.',
  ],
  [
    'there is none',
    chosen({}, undefined, []),
    /has no internal listener without authentication: the Kafka my-cluster has none\. /,
  ],
  [
    'none has the name',
    chosen({ listener: 'external' }),
    'listener: names no listener of the Kafka my-cluster, is "external". It has plain, scram, mutual, scramtext, sso, outside.',
  ],
  [
    'none has quite the name',
    chosen({ listener: 'scran' }),
    /is "scran"\. Did you mean `listener: scram`\? It has/,
  ],
  [
    'no user for a listener with authentication',
    chosen({ listener: 'mutual' }),
    'listener: is "mutual", which asks for authentication tls, but no user is named. Name the listener plain, or name a KafkaUser of type tls as user.',
  ],
  [
    'no user, and no listener without authentication',
    chosen({ listener: 'scram' }, undefined, listeners.slice(1)),
    /\. Name a KafkaUser of type scram-sha-512 as user\.$/,
  ],
  [
    'a user for a listener without authentication',
    chosen({ listener: 'plain' }, 'tls'),
    'listener: is "plain", which asks for no authentication, but the KafkaUser orders is of type tls. Name the listener mutual, or leave user out.',
  ],
  [
    'a listener with custom authentication',
    chosen({ listener: 'sso' }),
    /^listener: is "sso", which asks for authentication custom, .*\. Write bootstrapServers, tls and authentication/,
  ],
  [
    'a certificate that does not come from the cluster CA',
    chosen({}, undefined, [{ ...two[1], configuration: certificate }]),
    'listener: is a listener with a certificate of its own (brokerCertChainAndKey), is "tls". Strimzi does not say who has issued it. Write bootstrapServers, tls and authentication instead of strimzi.',
  ],
] as const) {
  t.test(what, async (t) => {
    if (typeof said === 'string') t.equal(actual, said);
    else t.match(actual, said);
  });
}
