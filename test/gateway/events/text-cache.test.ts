import fc from 'fast-check';
import t from 'tap';
import { textOf } from '../../../gateway/events/attributes.ts';
import { createTextCache } from '../../../gateway/events/text-cache.ts';
import { anyText } from './build.ts';

t.test('answers as textOf does, whatever came before', (t) => {
  const knownText = createTextCache();
  const some = fc.oneof(
    anyText.map((text) => Buffer.from(text)),
    fc
      .constantFrom('a', 'b', 'ab', 'type.created', 'type.updated', 'x'.repeat(64), 'x'.repeat(65))
      .map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(some, { maxLength: 300 }), fc.nat(3), (all, shift) =>
      all.every((bytes) => {
        const wider = Buffer.concat([Buffer.alloc(shift, 'y'), bytes, Buffer.from('z')]);
        return knownText(wider, shift, shift + bytes.length) === textOf(bytes);
      }),
    ),
  );
  t.end();
});

t.test('keeps its own copy', (t) => {
  const knownText = createTextCache();
  const bytes = Buffer.from('type.created');
  t.equal(knownText(bytes, 0, bytes.length), 'type.created');
  bytes.fill('x');
  t.equal(knownText(Buffer.from('type.created'), 0, 12), 'type.created');
  t.equal(knownText(bytes, 0, bytes.length), 'xxxxxxxxxxxx');
  t.end();
});
