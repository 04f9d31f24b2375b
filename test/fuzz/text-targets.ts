// Readers of what tenants and operators write, and of what others commit: manifests, annotations, metadata, properties and keys.
import { ok } from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { parseClientProperties, parseServiceBinding } from '../../core/kafka/properties/client-properties.ts';
import { MillraceError } from '../../core/contract/errors.ts';
import { compileTopicPattern } from '../../core/contract/topic-pattern.ts';
import { formatProblem } from '../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import { certificatesIn, privateKeyIn } from '../../core/credentials/pem.ts';
import { decodeMark, encodeMark } from '../../core/contract/marks/progress-mark.ts';
import { declareTrigger } from '../../core/resources/trigger-resource.ts';
import { readTriggerResource } from '../fixtures/read-trigger.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';
import { parseGroupMetadata } from '../../scaler/activation/group-metadata.ts';
import { partsOf, seedOf, type Target } from './target.ts';

const root = new URL('../../', import.meta.url);

function texts(name: string, seeds: readonly string[], attempt: (text: string) => void): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    attempt: (input) => attempt(input.toString()),
  };
}

/** Name, value, name, value, … */
function pairsOf(input: Buffer): Record<string, string> {
  const parts = partsOf(input).map(String);
  const pairs = Array.from({ length: parts.length >> 1 }, (_, index) => [
    parts[2 * index],
    parts[2 * index + 1],
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

const manifests = texts(
  'manifests',
  globSync('functions-examples/*/*.yaml', { cwd: root }).map((file) =>
    readFileSync(new URL(file, root), 'utf8'),
  ),
  (text) => {
    const { problems, subscriptions } = parseManifests([{ file: 'a.yaml', text }], checkExpression);
    for (const problem of problems)
      ok(formatProblem(problem).startsWith('a.yaml'), 'a problem without a place');
    ok(subscriptions.length <= text.length, 'triggers of nothing');
  },
);

const annotations: Target = {
  name: 'annotations',
  seeds: [
    seedOf(
      'millrace.dev/topics',
      'orders, payments',
      'millrace.dev/retry',
      '10',
      'millrace.dev/timeout',
      'PT30S',
    ),
    seedOf(
      'millrace.dev/topics',
      'orders',
      'millrace.dev/filter',
      "type = 'a'",
      'millrace.dev/suspend',
      'true',
    ),
    seedOf(
      'millrace.dev/topics',
      'a',
      'millrace.dev/consumer-group',
      'g',
      'millrace.dev/concurrency',
      'adaptive',
    ),
  ],
  attempt(input) {
    const metadata = { name: 'mailer', namespace: 'shop', uid: 'a-1', annotations: pairsOf(input) };
    const trigger = declareTrigger({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: {} });
    const context = { checkExpression, functionUris: 'guarded' } as const;
    const reading = readTriggerResource(trigger, context);
    if (reading.kind === 'right')
      ok(reading.subscription.key === 'shop/mailer', 'a trigger of somebody else');
  },
};

const someMark = { open: [7n, 9n, 30n], end: 41n, attempts: new Map([[7n, 3]]), partitions: 12 };
const progressMarks = texts('progress-mark', [encodeMark(5n, someMark), ''], (text) => {
  const mark = decodeMark(5n, text);
  ok(
    mark.open.every((offset, index) => offset >= 5n && offset > (mark.open[index - 1] ?? 4n)),
    'out of order',
  );
  ok(mark.open.length <= 40_000, 'more than the metadata of a commit can say');
  ok(encodeMark(5n, mark).length <= 4_096, 'too long to be committed');
});

const properties = texts(
  'client-properties',
  [
    'bootstrap.servers=a:9092,b:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username="u" password="p\\u0021";\n',
    'security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/a/ca.crt\nssl.keystore.location:/b/k.pem\n',
  ],
  (text) => {
    const verdict = parseClientProperties(text);
    if (verdict.kind === 'wrong') ok(verdict.mistakes.length > 0, 'wrong without a mistake');
    else verdict.properties.credentials(new Map(verdict.properties.files.map((file) => [file, text])));
  },
);

const binding: Target = {
  name: 'binding',
  seeds: [
    seedOf(
      'bootstrap.servers',
      'a:9093',
      'security.protocol',
      'SASL_SSL',
      'sasl.mechanism',
      'PLAIN',
      'username',
      'u',
    ),
    seedOf(
      'bootstrapServers',
      'a:9093',
      'securityProtocol',
      'SSL',
      'ssl.truststore.crt',
      'x',
      'ssl.keystore.key',
      'y',
    ),
  ],
  attempt: (input) => void parseServiceBinding(pairsOf(input)),
};

const base64 = 'MIIBszCCAVmgAwIBAgIUZz0m4zQ9v2sYw1n8f3b0g2Yk0cUwCgYIKoZIzj0EAwIw';
const pem = texts(
  'pem',
  ['CERTIFICATE', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'].map(
    (label) => `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`,
  ),
  (text) => {
    certificatesIn(text);
    privateKeyIn(text, undefined);
    privateKeyIn(text, 'x');
  },
);

const names = ['orders', 'orders.v2', 'a'.repeat(249), '__consumer_offsets'];
const topicPattern = texts(
  'topic-pattern',
  ['orders-.*', '(a|b){1,3}', String.raw`[\w.-]+\.v\d+`],
  (text) => {
    const pattern = compileTopicPattern(text);
    if (pattern !== undefined) for (const name of names) pattern.test(name);
  },
);

const scalerMetadata: Target = {
  name: 'scaler-metadata',
  seeds: [
    seedOf('bootstrapServers', 'a:9092', 'consumerGroup', 'g', 'topic', 't', 'lagThreshold', '10'),
    seedOf(
      'bootstrapServers',
      'a:9092',
      'consumerGroup',
      'g',
      'partitionLimitation',
      '1-3,7',
      'offsetResetPolicy',
      'latest',
    ),
  ],
  attempt(input) {
    try {
      parseGroupMetadata(pairsOf(input), 'geo/orders');
    } catch (error) {
      ok(error instanceof MillraceError, `no error of ours: ${String(error)}`);
    }
  },
};

export const textTargets: readonly Target[] = [
  ...[manifests, annotations, progressMarks, properties],
  ...[binding, pem, topicPattern, scalerMetadata],
];
