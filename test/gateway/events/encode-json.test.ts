import fc from 'fast-check';
import t from 'tap';
import { batchBytes, encodeJson, joinBatch, memberOf } from '../../../gateway/events/encode-json.ts';
import { anyEvent, eventOf } from './build.ts';

const head = '{"specversion":"1.0","id":"a-1","source":"/orders/eu","type":"com.example.order.created"';

t.test('attributes', (t) => {
  t.equal(encodeJson(eventOf()).toString(), `${head}}`);
  t.equal(
    encodeJson(
      eventOf({
        subject: 'größe "x"',
        time: '2024-05-06T07:08:09Z',
        dataschema: 'urn:x',
        extensions: { a: 'x', b: 1, c: true },
      }),
    ).toString(),
    `${head},"subject":"größe \\"x\\"","time":"2024-05-06T07:08:09Z","dataschema":"urn:x","a":"x","b":1,"c":true}`,
  );
  t.end();
});

t.test('data (JSON format, section 3.1.1)', (t) => {
  const cases: [contentType: string | undefined, data: string | Buffer, member: string][] = [
    ['application/json', ' {"n": 12345678901234567890}', '"data": {"n": 12345678901234567890}'],
    ['application/x+json; v=1', '"é"', '"data":"é"'],
    [undefined, '[1]', '"data":[1]'],
    ['application/json', '{"n":', '"data_base64":"eyJuIjo="'],
    [undefined, 'x', '"data_base64":"eA=="'],
    ['text/plain', 'a\n"b" €', '"data":"a\\n\\"b\\" €"'],
    ['text/plain', Buffer.from([0xff]), '"data_base64":"/w=="'],
    ['text/plain; charset=latin1', 'a', '"data_base64":"YQ=="'],
    ['application/octet-stream', '1', '"data_base64":"MQ=="'],
    ['application/octet-stream', '', '"data_base64":""'],
    ['text/plain', '', '"data":""'],
  ];
  for (const [contentType, data, member] of cases) {
    const json = encodeJson(
      eventOf({ datacontenttype: contentType, data: Buffer.from(data as string) }),
    ).toString();
    const type = contentType === undefined ? '' : `,"datacontenttype":"${contentType}"`;
    t.equal(json, `${head}${type},${member}}`);
    t.doesNotThrow(() => JSON.parse(json) as unknown);
  }
  t.end();
});

t.test('batches', (t) => {
  t.equal(joinBatch([]).toString(), '[]');
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 5 }), (events) => {
      const members = events.map(memberOf);
      const batch = joinBatch(members);
      t.equal(batch.length, batchBytes(members));
      t.strictSame(
        JSON.parse(batch.toString()),
        events.map((event) => JSON.parse(encodeJson(event).toString()) as unknown),
      );
    }),
  );
  t.end();
});
