import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Circuit, longestOpenMs, openBaseMs } from '../../../gateway/delivery/circuit.ts';

const noJitter = () => 0;

/** A circuit that opened at `atMs`, next to others. */
function opened(atMs = 0, random = noJitter): Circuit {
  const circuit = new Circuit(random);
  for (let failure = 1; failure <= 5; failure += 1) {
    assert.equal(circuit.failed(atMs, atMs, 0, true), failure === 5 ? 'opened' : undefined);
  }
  return circuit;
}

t.test('it begins closed, with nothing to remember', async (t) => {
  const circuit = new Circuit(noJitter);
  t.equal(circuit.isOpen, false);
  t.equal(circuit.isTroubled, false);
  t.equal(circuit.isAvoided(0), false);
  t.equal(circuit.dueMs, -Infinity);
  t.equal(circuit.answered(0, 0), undefined);
  t.equal(circuit.isTroubled, false);
});

t.test('five failures in a row open it where there are others, twenty where it is the last', async (t) => {
  const circuit = opened();
  t.equal(circuit.isOpen, true);
  t.equal(circuit.dueMs, openBaseMs);
  const last = new Circuit(noJitter);
  for (let failure = 1; failure < 20; failure += 1) t.equal(last.failed(0, 0, 0, false), undefined);
  t.equal(last.failed(0, 0, 0, false), 'opened');
});

t.test('an answer of any kind ends the row', async (t) => {
  const circuit = new Circuit(noJitter);
  for (let round = 0; round < 100; round += 1) {
    t.equal(circuit.failed(round, round, 0, true), undefined);
    if (round % 4 === 3) t.equal(circuit.answered(round, 0), undefined);
  }
  t.equal(circuit.isOpen, false);
});

t.test('one request at a time tries it: success closes it, failure opens it for longer', async (t) => {
  const circuit = opened();
  circuit.sent(1_000);
  t.equal(circuit.dueMs, 2_000, 'the next one waits, but not for ever');
  t.equal(circuit.failed(1_000, 1_010, 0, true), undefined);
  t.equal(circuit.dueMs, 3_010);
  circuit.sent(3_010);
  t.equal(circuit.dueMs, 5_010);
  t.equal(circuit.answered(3_020, 0), 'closed');
  t.equal(circuit.isTroubled, false);
  for (let failure = 1; failure <= 5; failure += 1) circuit.failed(4_000, 4_000, 0, true);
  t.equal(circuit.dueMs, 5_000, 'and then it begins anew');
});

t.test('what was sent before it opened or closed says nothing new', async (t) => {
  const circuit = opened(100);
  for (let late = 0; late < 10; late += 1) t.equal(circuit.failed(99, 150, 0, true), undefined);
  t.equal(circuit.dueMs, 1_100);
  t.equal(circuit.answered(200, 0), 'closed', 'but that it answers does');
  for (let late = 0; late < 10; late += 1) t.equal(circuit.failed(199, 250, 0, true), undefined);
  t.equal(circuit.isOpen, false);
});

t.test('a request outside of the trial does no harm while it is closed', async (t) => {
  const circuit = new Circuit(noJitter);
  circuit.sent(0);
  t.equal(circuit.dueMs, -Infinity);
});

t.test('one that failed a moment ago is avoided, and one that asked for time', async (t) => {
  const circuit = new Circuit(noJitter);
  circuit.failed(0, 0, 0, true);
  t.equal(circuit.isTroubled, true);
  t.equal(circuit.isAvoided(openBaseMs - 1), true);
  t.equal(circuit.isAvoided(openBaseMs), false);
  circuit.failed(0, 0, 7_000, true);
  t.equal(circuit.isAvoided(6_999), true);
  t.equal(circuit.isAvoided(7_000), false);
  circuit.answered(0, 3_000);
  t.equal(circuit.isTroubled, true);
  t.equal(circuit.isAvoided(2_999), true);
  t.equal(circuit.isAvoided(3_000), false);
  circuit.answered(0, 3_600_000);
  t.equal(circuit.isAvoided(longestOpenMs), false, 'never for long');
  circuit.answered(0, 0);
  t.equal(circuit.isTroubled, false);
});

t.test('Retry-After makes an opening longer, within the same limit', async (t) => {
  for (const [askedMs, dueMs] of [
    [500, 1_000],
    [9_000, 9_000],
    [3_600_000, longestOpenMs],
  ] as const) {
    const circuit = new Circuit(noJitter);
    for (let failure = 1; failure <= 5; failure += 1) circuit.failed(0, 0, askedMs, true);
    t.equal(circuit.dueMs, dueMs);
  }
});

t.test('whatever happens: never open for long, and open only after a row of failures', async () => {
  const anyStep = fc.record({
    kind: fc.constantFrom('failed', 'failed', 'failed', 'answered', 'sent'),
    afterMs: fc.integer({ min: 0, max: 5_000 }),
    tookMs: fc.integer({ min: 0, max: 10_000 }),
    askedMs: fc.constantFrom(0, 0, 0, 100, 100_000),
    hasOthers: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 200 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (steps, random) => {
        const circuit = new Circuit(() => random);
        let nowMs = 0;
        let row = 0;
        for (const { kind, afterMs, tookMs, askedMs, hasOthers } of steps) {
          nowMs += afterMs;
          const wasOpen = circuit.isOpen;
          if (kind === 'sent') {
            if (nowMs >= circuit.dueMs) circuit.sent(nowMs);
          } else if (kind === 'answered') {
            row = 0;
            assert.equal(circuit.answered(nowMs, askedMs), wasOpen ? 'closed' : undefined);
            assert.equal(circuit.isOpen, false);
          } else {
            row += 1;
            const change = circuit.failed(nowMs - tookMs, nowMs, askedMs, hasOthers);
            assert.equal(change === 'opened', !wasOpen && circuit.isOpen);
            if (change === 'opened') assert.ok(row >= (hasOthers ? 5 : 20));
          }
          assert.ok(circuit.dueMs <= nowMs + longestOpenMs);
          assert.equal(circuit.dueMs > -Infinity, circuit.isOpen);
        }
      },
    ),
  );
});

t.test('it opens for one, two, three times the base, up to the limit, less a jitter', async (t) => {
  for (const random of [0, 0.5, 0.999]) {
    const circuit = opened(0, () => random);
    let nowMs = 0;
    for (let opening = 1; opening < 50; opening += 1) {
      const openMs = circuit.dueMs - nowMs;
      const longest = Math.min(opening * openBaseMs, longestOpenMs);
      t.ok(openMs <= longest && openMs >= longest * 0.8, `${opening}: ${openMs}`);
      nowMs = circuit.dueMs;
      circuit.failed(nowMs, nowMs, 0, true);
    }
  }
});
