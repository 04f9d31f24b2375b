import t from 'tap';
import { errorName, KafkaError } from '../../../../core/kafka/protocol/kafka-error.ts';

t.test('codes by the names of Kafka', async (t) => {
  for (const [code, name] of [
    [-1, 'UNKNOWN_SERVER_ERROR'],
    [0, 'NONE'],
    [29, 'TOPIC_AUTHORIZATION_FAILED'],
    [58, 'SASL_AUTHENTICATION_FAILED'],
    [110, 'FENCED_MEMBER_EPOCH'],
    [136, 'CONTROLLER_ID_NOT_REGISTERED'],
    [999, 'error code 999'],
  ] as const)
    t.equal(errorName(code), name);
});

t.test('an error has the words of the broker, else its name', async (t) => {
  t.match(new KafkaError(34, 'not now'), { type: 'ILLEGAL_SASL_STATE', message: 'not now' });
  t.match(new KafkaError(34, null), { type: 'ILLEGAL_SASL_STATE', message: 'ILLEGAL_SASL_STATE' });
});
