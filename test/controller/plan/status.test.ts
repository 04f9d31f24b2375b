import t from 'tap';
import type { TriggerStatus } from '../../../core/resources/trigger-status.ts';
import {
  conditionFalse,
  conditionUnknown,
  conditionTrue,
} from '../../../controller/plan/conditions/condition-state.ts';
import {
  backlogRange,
  conditionBefore,
  conditionsOf,
  failedStatus,
  functionText,
  statusIntervalMs,
  statusOf,
  topicsText,
  whenToWriteStatus,
  type ConditionStates,
} from '../../../controller/plan/status.ts';
import { nowMs, refTarget, trigger } from '../fixtures/observed-state.ts';

const allTrue: ConditionStates = {
  Accepted: conditionTrue('Accepted', 'a'),
  SourceReady: conditionTrue('Consuming', 'b'),
  FunctionReady: conditionTrue('WorkloadExists', 'c'),
  ScalerReady: conditionTrue('Scaled', 'd'),
  DeadLetterReady: conditionTrue('NotUsed', 'e'),
};
const at = '2026-01-02T03:04:05Z';
const withStatus = (status: Partial<TriggerStatus>) => ({ ...trigger, status });

t.test(
  'Ready is the conjunction of the others, with the message of the first that is not true',
  async (t) => {
    const ready = (states: Partial<ConditionStates>) =>
      conditionsOf(trigger, { ...allTrue, ...states }, nowMs)[0];
    t.match(ready({}), { type: 'Ready', status: 'True', reason: 'Ready', observedGeneration: 3 });
    t.match(
      ready({
        SourceReady: conditionUnknown('NotCheckedYet', 'x'),
        ScalerReady: conditionFalse('KedaMissing', 'y'),
      }),
      {
        status: 'False',
        reason: 'KedaMissing',
        message: 'y',
      },
    );
    t.match(ready({ ScalerReady: conditionUnknown('Creating', 'x') }), {
      status: 'Unknown',
      reason: 'Creating',
    });
  },
);

t.test('the time of a condition is that of its last change of status', async (t) => {
  const first = conditionsOf(trigger, allTrue, nowMs);
  t.strictSame([...new Set(first.map(({ lastTransitionTime }) => lastTransitionTime))], [at]);
  const later = conditionsOf(
    withStatus({ conditions: first }),
    { ...allTrue, SourceReady: conditionFalse('NoGateway', 'x'), ScalerReady: conditionTrue('Paused', 'y') },
    nowMs + 60_000,
  );
  const times = Object.fromEntries(later.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  t.match(times, { SourceReady: '2026-01-02T03:05:05Z', Ready: '2026-01-02T03:05:05Z', ScalerReady: at });
  const { generation: _generation, ...metadata } = trigger.metadata;
  t.equal(conditionsOf({ ...trigger, metadata }, allTrue, nowMs)[0]?.observedGeneration, 0);
});

t.test('a status that is none', async (t) => {
  t.strictSame(statusOf({ ...trigger, status: null }), {});
  t.strictSame(statusOf({ ...trigger, status: 'text' }), {});
  t.equal(conditionBefore(trigger, 'Ready'), undefined);
});

t.test('columns', async (t) => {
  t.equal(
    topicsText({ cluster: 'main', topics: ['a', 'b'], consumerGroup: 'g', initialOffset: 'latest' }),
    'a, b',
  );
  t.equal(
    topicsText({
      cluster: 'main',
      topics: [],
      topicPattern: 'a.*',
      consumerGroup: 'g',
      initialOffset: 'latest',
    }),
    'a.*',
  );
  t.equal(functionText(refTarget), 'deployment/mailer');
  t.equal(functionText({ kind: 'service', name: 'mailer' }), 'service/mailer');
  t.equal(functionText({ kind: 'uri', uri: 'http://a/b' }), 'http://a/b');
});

t.test('the backlog is backlogRange', async (t) => {
  for (const [backlog, text] of [
    [undefined, 'unknown'],
    [-1n, '0'],
    [0n, '0'],
    [1n, '1-9'],
    [9n, '1-9'],
    [10n, '10-99'],
    [999n, '100-999'],
    [1_000n, '1k-10k'],
    [99_999n, '10k-100k'],
    [100_000n, '100k-1M'],
    [1_234_567n, '1M-10M'],
    [10n ** 21n, '1-10'],
  ] as const)
    t.equal(backlogRange(backlog), text, String(backlog));
});

t.test('written only if it differs, and changes with the traffic not too often', async (t) => {
  const status: TriggerStatus = {
    observedGeneration: 3,
    conditions: conditionsOf(trigger, allTrue, nowMs),
    topics: 'earthquakes',
    function: 'deployment/mailer',
    consumerGroup: 'g',
    backlog: '1-9',
    replicas: 1,
  };
  const written = withStatus({ ...status, conditions: status.conditions.toReversed() });
  t.equal(whenToWriteStatus(trigger, status, 0), 'now', 'it has none');
  t.equal(whenToWriteStatus(written, status, undefined), 'never');
  t.equal(whenToWriteStatus(written, { ...status, backlog: '0' }, 0), 'later');
  t.equal(whenToWriteStatus(written, { ...status, replicas: 2 }, statusIntervalMs - 1), 'later');
  t.equal(whenToWriteStatus(written, { ...status, replicas: 2 }, statusIntervalMs), 'now');
  t.equal(whenToWriteStatus(written, { ...status, backlog: '0' }, undefined), 'now');
  t.equal(whenToWriteStatus(written, { ...status, topics: 'other' }, 0), 'now');
  const turned = conditionsOf(written, { ...allTrue, SourceReady: conditionFalse('NoGateway', 'x') }, nowMs);
  t.equal(whenToWriteStatus(written, { ...status, conditions: turned }, 0), 'now');
});

t.test('when a step fails, the rest of the status stays as it was', async (t) => {
  const failures = new Map([['ScalerReady', 'no answer']] as const);
  const before = {
    conditions: conditionsOf(trigger, allTrue, nowMs),
    topics: 'a',
    backlog: '1-9',
    replicas: 3,
  };
  t.match(failedStatus(withStatus(before), failures, nowMs), {
    observedGeneration: 3,
    conditions: [
      { type: 'Ready', status: 'False', reason: 'ReconcileFailed', message: /no answer/ },
      { type: 'Accepted', status: 'True' },
      {},
      {},
      { type: 'ScalerReady', status: 'False', reason: 'ReconcileFailed' },
    ],
    topics: 'a',
    backlog: '1-9',
    replicas: 3,
  });
  const { generation: _generation, ...metadata } = trigger.metadata;
  const topicsOf = (spec: object) => failedStatus({ ...trigger, spec }, failures, nowMs).topics;
  t.equal(topicsOf({ source: { topicPattern: 'a.*' } }), 'a.*');
  t.equal(topicsOf({}), '');
  const accepted = { generation: 2, spec: {} };
  t.strictSame(failedStatus(withStatus({ accepted }), failures, nowMs).accepted, accepted);
  t.match(failedStatus({ ...trigger, metadata }, failures, nowMs), {
    observedGeneration: 0,
    conditions: [{}, { type: 'Accepted', status: 'Unknown', reason: 'NotCheckedYet' }],
    topics: 'earthquakes',
    consumerGroup: '',
  });
});
