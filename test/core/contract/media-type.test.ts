import t from 'tap';
import {
  cloudEventsMode,
  isJsonMediaType,
  isTextMediaType,
  mediaTypeOf,
} from '../../../core/contract/media-type.ts';

t.test('content modes', (t) => {
  const cases: [string, ReturnType<typeof cloudEventsMode>][] = [
    ['application/cloudevents+json', 'structured'],
    ['Application/CloudEvents+JSON ;charset=utf-8', 'structured'],
    ['application/cloudevents', 'unsupported'],
    ['application/cloudevents;v=1', 'unsupported'],
    ['APPLICATION/CLOUDEVENTS', 'unsupported'],
    ['application/cloudevents+avro', 'unsupported'],
    ['application/cloudevents+protobuf', 'unsupported'],
    ['application/cloudevents-batch+json', 'unsupported'],
    ['application/json; charset=utf-8', 'none'],
    ['application/json', 'none'],
    ['', 'none'],
  ];
  for (const [contentType, mode] of cases) t.equal(cloudEventsMode(contentType), mode, contentType);
  t.end();
});

t.test('JSON', (t) => {
  const cases: [string, boolean][] = [
    ['application/json', true],
    ['Application/JSON; charset=utf-8', true],
    ['text/json', true],
    ['application/vnd.orders+json', true],
    ['application/problem+json;v=1', true],
    ['+json', false],
    ['application/jsonl', false],
    ['text/plain', false],
  ];
  for (const [contentType, expected] of cases) t.equal(isJsonMediaType(contentType), expected, contentType);
  t.equal(mediaTypeOf(' Text/Plain '), 'text/plain');
  t.end();
});

t.test('text in UTF-8', (t) => {
  const cases: [string, boolean][] = [
    ['text/plain', true],
    ['TEXT/csv; header=present', true],
    ['text/plain; charset="UTF-8"', true],
    ['text/plain;charset=us-ascii', true],
    ['text/plain;charset=latin1', false],
    ['application/xml', true],
    ['image/svg+xml', true],
    ['application/octet-stream', false],
  ];
  for (const [contentType, expected] of cases) t.equal(isTextMediaType(contentType), expected, contentType);
  t.end();
});
