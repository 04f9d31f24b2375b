import t from 'tap';
import { emptyAttributes } from '../../../gateway/events/attributes.ts';
import { createHeadersToAttributes } from '../../../gateway/events/headers-to-attributes.ts';
import { headersOf, recordOf } from './build.ts';

const readHeaders = createHeadersToAttributes();
const nothing = {
  ...emptyAttributes(),
  extensions: {},
  contentType: '',
  traceparent: '',
  tracestate: '',
  attributed: false,
  cloudEvent: false,
  fault: '',
};

t.test('no headers, nothing', (t) => {
  t.strictSame(readHeaders(recordOf({}), {}, 'read'), nothing);
  t.end();
});

t.test('ce_ headers are read, skipped or carried', (t) => {
  const record = recordOf({
    headers: headersOf(
      ['ce_id', '1'],
      ['ce_region', 'eu'],
      ['ce_kafkatopic', 'far'],
      ['ce_a-b', null],
      ['ce_gone', null],
      ['other', 'x'],
    ),
  });
  const common = { ...nothing, attributed: true };
  t.strictSame(readHeaders(record, { first: 1 }, 'read'), {
    ...common,
    id: '1',
    cloudEvent: true,
    extensions: { first: 1, region: 'eu', kafkaheaderother: 'x' },
  });
  t.strictSame(readHeaders(record, {}, 'skip'), { ...common, extensions: { kafkaheaderother: 'x' } });
  t.strictSame(readHeaders(record, {}, 'carry'), {
    ...common,
    extensions: {
      kafkaheaderceid: '1',
      kafkaheaderceregion: 'eu',
      kafkaheadercekafkatopic: 'far',
      kafkaheaderceab: '',
      kafkaheadercegone: '',
      kafkaheaderother: 'x',
    },
  });
  t.end();
});

t.test('content type and trace context', (t) => {
  t.strictSame(
    readHeaders(
      recordOf({ headers: headersOf(['content-type', 'a/b'], ['traceparent', 'p'], ['tracestate', 's']) }),
      {},
      'read',
    ),
    { ...nothing, contentType: 'a/b', traceparent: 'p', tracestate: 's' },
  );
  t.strictSame(
    readHeaders(
      recordOf({ headers: headersOf(['content-type', null], ['traceparent', null], ['other', null]) }),
      {},
      'read',
    ),
    { ...nothing, extensions: { kafkaheaderother: '' } },
  );
  t.match(
    readHeaders(
      recordOf({ headers: headersOf(['content-type', 'a/b'], ['content-type', '\n'], ['tracestate', '\n']) }),
      {},
      'read',
    ),
    {
      contentType: '',
      fault: /"content-type" is not UTF-8 text/,
      extensions: { kafkaheadercontenttypebase64: 'Cg==', kafkaheadertracestatebase64: 'Cg==' },
    },
  );
  t.end();
});

t.test('faults name the header', (t) => {
  const cases: [name: string, value: string | Buffer, fault: RegExp][] = [
    ['ce_type', Buffer.from([0xff]), /"ce_type" is not UTF-8 text/],
    ['ce_id', '\u0000', /"ce_id" is not UTF-8 text/],
    ['ce_region', '\u0085', /"ce_region" is not UTF-8 text/],
    ['ce_a:b', 'x', /"ce_a:b" does not name an attribute/],
  ];
  for (const [name, value, fault] of cases) {
    t.match(readHeaders(recordOf({ headers: headersOf([name, value]) }), {}, 'read').fault, fault);
  }
  t.end();
});
