import { isCelError, type CelMap } from '@bufbuild/cel';
import t from 'tap';
import type { CloudEvent } from '../../../../core/contract/event.ts';
import { celToJson } from '../../../../core/expressions/cel/cel-to-json.ts';
import { startMeter } from '../../../../core/expressions/cel/cost-meter.ts';
import { Evaluation, maxPayloadBytes } from '../../../../core/expressions/cel/variables.ts';
import { eventWith } from './event.ts';

t.beforeEach(() => startMeter());

function jsonOf(value: ReturnType<Evaluation['data']>): unknown {
  return isCelError(value) ? value.message : celToJson(value);
}

t.test('attributes', (t) => {
  const evaluation = new Evaluation(
    eventWith(null, { extensions: { kafkapartition: 3, flag: true, region: 'eu', ratio: 0.5 } }),
  );
  t.equal(evaluation.attribute('type', 0), 'dev.quake');
  t.equal(evaluation.attribute('specversion', 0), '1.0');
  t.equal(evaluation.attribute('kafkapartition', 0), 3n);
  t.equal(evaluation.attribute('flag', 0), true);
  t.equal(evaluation.attribute('region', 0), 'eu');
  t.equal(evaluation.attribute('ratio', 0), 0.5);
  t.equal(jsonOf(evaluation.attribute('time', 0)), '2024-05-06T07:08:09.123Z');
  t.match(evaluation.attribute('subject', 5), {
    message: 'the event has no attribute subject',
    exprId: 5n,
  });
  t.strictSame(evaluation.faults, [
    { code: 'missingAttribute', message: 'the event has no attribute subject' },
  ]);
  t.end();
});

t.test('the time is a timestamp where CEL can have it as one', (t) => {
  const timeOf = (time: string | undefined): unknown =>
    jsonOf(new Evaluation(eventWith(null, { time })).attribute('time', 0));
  t.equal(timeOf('2024-05-06t07:08:09+02:00'), '2024-05-06T05:08:09Z');
  t.equal(new Evaluation(eventWith(null, { time: 'noon' })).attribute('time', 0), 'noon');
  t.end();
});

t.test('event is the map of them all', (t) => {
  const evaluation = new Evaluation(eventWith(null));
  const attributes: CelMap = evaluation.attributes();
  t.strictSame(celToJson(attributes), {
    specversion: '1.0',
    id: '1',
    source: '/quakes',
    type: 'dev.quake',
    time: '2024-05-06T07:08:09.123Z',
    datacontenttype: 'application/json',
    kafkapartition: 3,
    flag: true,
    region: 'eu',
  });
  t.equal(evaluation.attributes(), attributes, 'made once');
  t.end();
});

t.test('data', (t) => {
  const cases: [what: string, event: CloudEvent, expected: unknown][] = [
    ['none', eventWith(null), null],
    ['JSON', eventWith({ mag: 5 }), { mag: 5 }],
    ['JSON null', eventWith(Buffer.from('null')), null],
    ['another JSON', eventWith([1], { datacontenttype: 'application/problem+json; v=1' }), [1]],
    ['no type, JSON', eventWith({ mag: 5 }, { datacontenttype: undefined }), { mag: 5 }],
    ['no type', eventWith(Buffer.from('hi'), { datacontenttype: undefined }), 'aGk='],
    ['text', eventWith(Buffer.from('hé'), { datacontenttype: 'Text/Plain' }), 'hé'],
    ['a text that is none', eventWith(Buffer.from([0xff]), { datacontenttype: 'text/plain' }), '/w=='],
    ['bytes', eventWith(Buffer.from('hi'), { datacontenttype: 'application/octet-stream' }), 'aGk='],
    ['no JSON', eventWith(Buffer.from('{')), 'the payload is not JSON, though its datacontenttype says so'],
    ['no UTF-8', eventWith(Buffer.from([0x22, 0xff, 0x22])), 'the payload is not JSON: it is not UTF-8'],
    [
      'too large',
      eventWith(Buffer.alloc(maxPayloadBytes + 1)),
      'the payload has 1048577 bytes, but at most 1048576 are read',
    ],
  ];
  for (const [what, event, expected] of cases)
    t.strictSame(jsonOf(new Evaluation(event).data(0)), expected, what);
  t.end();
});

t.test('data is read once for an event', (t) => {
  const event = eventWith({ mag: 5 });
  t.equal(new Evaluation(event).data(0), new Evaluation(event).data(0));
  t.not(new Evaluation({ ...event }).data(0), new Evaluation(event).data(0));
  const broken = eventWith(Buffer.from('{'));
  const evaluation = new Evaluation(broken);
  t.ok(isCelError(evaluation.data(0)));
  t.match(evaluation.faults, [{ code: 'payload' }]);
  t.end();
});
