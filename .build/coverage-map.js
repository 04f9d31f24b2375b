// Which source a test file must cover completely: its mirror, where that mirror is pure.
// Everything else (adapters, composition, cli) is proved against the real thing under test/, and not measured.

/** Sources without I/O, covered to the last branch. A folder ends in a slash; anything else is a prefix. */
const PURE_SOURCES = [
  '.build/dependencies/',
  '.build/outputs/needles',
  'gateway/contract/',
  'gateway/events/',
  'gateway/filter/',
  'gateway/transform/',
  'gateway/control/rendezvous',
  'gateway/control/slice-endpoints',
  'gateway/delivery/answer',
  'gateway/delivery/circuit',
  'gateway/delivery/concurrency-limit',
  'gateway/delivery/lane',
  'gateway/delivery/rate-limit',
  'gateway/delivery/retry',
  'gateway/pipeline/bisect',
  'gateway/delivery/sign',
  'gateway/doors/oidc-caller',
  'gateway/doors/static-token',
  'gateway/kafka/out-of-range',
  'gateway/kafka/stalls',
  'gateway/kafka/topic-memory',
  'gateway/kubernetes/backoff',
  'gateway/kubernetes/kept-answers',
  'gateway/kubernetes/lines',
  'gateway/kubernetes/paths',
  'gateway/kubernetes/refusal',
  'gateway/kubernetes/reviews',
  'gateway/pipeline/batch',
  'gateway/settlement/dead-letter',
  'gateway/settlement/ledger',
  'gateway/settlement/open-offsets',
  'gateway/settlement/progress-mark',
  'scaler/backlog/',
  'scaler/controller/names',
  'scaler/controller/plan/',
  'scaler/controller/settings',
  'scaler/controller/work-queue',
];

/** Whether a source, named from the root of the project, must be covered completely. */
export function isPure(source) {
  return PURE_SOURCES.some((prefix) => source.startsWith(prefix));
}

/**
 * `test/gateway/filter/cel.test.ts`, and also `cel.property.test.ts`, mirror `gateway/filter/cel.ts`. The mirror of `.build/` is `test/build/`.
 */
export default function coverageMap(test) {
  const source = test
    .replace(/^test\//, '')
    .replace(/^build\//, '.build/')
    .replace(/(\.[a-z0-9-]+)?\.test\.ts$/, '.ts');
  return isPure(source) ? source : null;
}
