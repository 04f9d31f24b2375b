// Which source a test file must cover completely: its mirror, if that source is pure.
// Tests prove everything else (adapters, composition, cli) against the real thing. Its coverage is not measured.

/** Sources without I/O, covered to the last branch. A folder ends in a slash. Anything else is a prefix. */
const PURE_SOURCES = [
  '.build/dependencies/',
  '.build/outputs/secret-patterns',
  'core/access/access-reviews',
  'core/access/bearer-token',
  'core/access/cached-reviews',
  'core/access/oidc-caller',
  'core/access/static-token',
  'core/access/turns',
  'core/access/visible-namespaces',
  'core/contract/',
  'core/credentials/pem',
  'core/credentials/sasl-extensions',
  'core/expressions/',
  'core/kafka/connection/broker-address',
  'core/kafka/protocol/kafka-error',
  'core/kafka/connection/socket/answer-frames',
  'core/kafka/connection/socket/scram',
  'core/kafka/source/out-of-range',
  'core/kafka/topics/topic-memory',
  'core/kafka/fetch/fetch-session',
  'core/kafka/offsets/judge-commit',
  'core/kafka/properties/',
  'core/kafka/records/',
  'core/kubernetes/api-refusal',
  'core/kubernetes/backoff',
  'core/kubernetes/informers/endpoint-slices',
  'core/kubernetes/informers/key-index',
  'core/kubernetes/informers/resource-map',
  'core/kubernetes/informers/trigger-table',
  'core/kubernetes/lines',
  'core/kubernetes/resource-cache',
  'core/kubernetes/resource-paths',
  'core/kubernetes/strimzi/service-binding',
  'core/kubernetes/strimzi/strimzi-kafka',
  'core/kubernetes/strimzi/strimzi-listeners',
  'core/network/tenant-address',
  'core/network/retry-after',
  'core/network/tls-failure',
  'core/network/token-bucket',
  'core/process/access-settings',
  'core/process/listen-address',
  'core/process/redacted-fields',
  'core/process/settings',
  'core/process/shared-settings',
  'core/resources/annotations',
  'core/resources/cluster-resolution',
  'core/resources/derived-names',
  'core/resources/holders',
  'core/resources/judged-cluster',
  'core/resources/kafka-cluster',
  'core/resources/kinds',
  'core/resources/manifests/candidate',
  'core/resources/manifests/open-manifest',
  'core/resources/manifests/parse-manifests',
  'core/resources/manifests/validate-manifest',
  'core/resources/manifests/yaml-documents',
  'core/resources/resolve-subscription',
  'core/resources/schema/',
  'core/resources/trigger-resource',
  'core/resources/trigger-status',
  'core/resources/validation/',
  'gateway/control/rendezvous',
  'gateway/delivery/attempt-outcome',
  'gateway/delivery/batch-failures',
  'gateway/delivery/circuit',
  'gateway/delivery/outcome-by-status',
  'gateway/delivery/concurrency-limit',
  'gateway/delivery/health-signal',
  'gateway/delivery/lanes',
  'gateway/delivery/retry-',
  'gateway/events/',
  'gateway/filter/',
  'gateway/http/answer-',
  'gateway/http/decode-content',
  'gateway/http/request-bytes',
  'gateway/http/target',
  'gateway/pipeline/batch-clock',
  'gateway/delivery/bisect',
  'gateway/pipeline/gather-batch',
  'gateway/settlement/dead-letter',
  'gateway/settlement/ledger',
  'gateway/settlement/open-offsets',
  'scaler/backlog/',
  'controller/config',
  'controller/ownership',
  'controller/plan/',
  'controller/queue/work-queue',
];

/** Whether a source, named from the root of the project, must be covered completely. */
export function isPure(source) {
  return PURE_SOURCES.some((prefix) => source.startsWith(prefix));
}

/**
 * `test/gateway/settlement/ledger.test.ts` and `ledger.property.test.ts` mirror `gateway/settlement/ledger.ts`. `test/build/` mirrors `.build/`.
 */
export default function coverageMap(test) {
  const source = test
    .replace(/^test\//, '')
    .replace(/^build\//, '.build/')
    .replace(/(\.[a-z0-9-]+)?\.test\.ts$/, '.ts');
  return isPure(source) ? source : null;
}
