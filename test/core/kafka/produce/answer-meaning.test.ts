import t from 'tap';
import { isOfOneRecord, meaningOf } from '../../../../core/kafka/produce/answer-meaning.ts';
import type { PartitionAnswer } from '../../../../core/kafka/produce/produce-requests.ts';

const answered = (errorCode: number, changes: Partial<PartitionAnswer> = {}) =>
  meaningOf({
    ...{ topic: 'notices', partition: 3, errorCode, baseOffset: -1n, recordErrors: [], message: null },
    ...changes,
  });

t.test('what is stored is stored, a second time too', async (t) => {
  t.strictSame(answered(0, { baseOffset: 7n }), { kind: 'stored', baseOffset: 7n });
  t.strictSame(answered(46), { kind: 'stored', baseOffset: -1n });
});

t.test('what a broker that is no leader has, it may keep', async (t) => {
  t.match(answered(6), { kind: 'passing', isStored: 'maybe', failure: { type: 'NOT_LEADER_OR_FOLLOWER' } });
  t.match(answered(19), { kind: 'passing', isStored: 'no', failure: { type: 'NOT_ENOUGH_REPLICAS' } });
});

t.test('a broker tells which records it refuses, and why', async (t) => {
  const recordErrors = [
    { index: 2, message: null },
    { index: 4, message: 'no key' },
  ];
  const meaning = answered(87, { recordErrors, message: 'some are invalid' });
  if (meaning.kind !== 'records refused') throw new Error(meaning.kind);
  t.strictSame([...meaning.indexes], [2, 4]);
  t.match(meaning.failure, {
    code: 'MILLRACE_KAFKA_FAILED',
    message: 'Kafka answers INVALID_RECORD when it is to store records in notices-3: no key',
  });
  t.ok(isOfOneRecord(meaning.failure));
});

t.test('a topic that refuses all, a producer that is not known, and what nobody has heard of', async (t) => {
  t.match(answered(29, { message: 'no' }), {
    kind: 'refused',
    failure: {
      code: 'MILLRACE_KAFKA_FORBIDDEN',
      message: 'Kafka does not allow our user to store records in notices-3 (TOPIC_AUTHORIZATION_FAILED)',
    },
  });
  t.match(answered(45), { kind: 'producer lost' });
  const unknown = answered(4_711);
  t.match(unknown, { kind: 'unknown', failure: { type: 'error code 4711' } });
  t.notOk('failure' in unknown && isOfOneRecord(unknown.failure));
});
