import { celList, isCelList, isCelMap, type CelList, type CelMap } from '@bufbuild/cel';
import t from 'tap';
import {
  CostExceeded,
  maxCost,
  spend,
  spentUnits,
  startMeter,
} from '../../../../core/expressions/cel/cost-meter.ts';
import { concatLists, jsonToCel, mapOf } from '../../../../core/expressions/cel/values.ts';

t.beforeEach(() => startMeter());

t.test('scalars are as they are', (t) => {
  for (const value of [null, true, 1.5, 'x']) t.equal(jsonToCel(value), value);
  t.end();
});

t.test('lists', (t) => {
  const list = jsonToCel([1, [2], { a: 3 }]) as CelList;
  t.ok(isCelList(list));
  t.equal(list.size, 3);
  t.equal(list.get(0), 1);
  t.ok(isCelList(list.get(1)));
  t.ok(isCelMap(list.get(2)));
  for (const index of [-1, 3, 0.5]) t.equal(list.get(index), undefined, `${index}`);
  t.equal([...list].length, 3);
  t.end();
});

t.test('maps', (t) => {
  const map = jsonToCel(JSON.parse('{"a":1,"n":null,"__proto__":2,"in":{"b":[]}}')) as CelMap;
  t.ok(isCelMap(map));
  t.equal(map.size, 4);
  t.equal(map.get('a'), 1);
  t.equal(map.get('n'), null);
  t.ok(map.has('n'), 'a null is there');
  t.equal(map.get('__proto__'), 2);
  t.ok(isCelMap(map.get('in')));
  for (const key of ['constructor', 1n]) {
    t.equal(map.get(key), undefined);
    t.notOk(map.has(key));
  }
  t.strictSame([...map.keys()], ['a', 'n', '__proto__', 'in']);
  t.strictSame([...map].slice(0, 2), [
    ['a', 1],
    ['n', null],
  ]);
  t.equal(mapOf({ whole: 1n }).get('whole'), 1n);
  t.end();
});

t.test('whatever is looked at is paid for', (t) => {
  const list = jsonToCel(new Array(maxCost + 1).fill(0)) as CelList;
  t.throws(() => [...list], CostExceeded);
  startMeter();
  const entries = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 0]));
  const map = jsonToCel(entries) as CelMap;
  t.equal(map.size, 1000);
  t.equal(spentUnits(), 1001, 'the keys are counted once');
  t.equal([...map].length, 1000);
  t.equal(spentUnits(), 2002);
  t.end();
});

t.test('lists grow at their end in the time that the addition takes, and are never changed', (t) => {
  const one = concatLists(jsonToCel([]) as CelList, jsonToCel(['a']) as CelList);
  const two = concatLists(one, jsonToCel(['b']) as CelList);
  const other = concatLists(one, jsonToCel(['c', 'd']) as CelList);
  t.strictSame([...one], ['a']);
  t.strictSame([...two], ['a', 'b']);
  t.strictSame([...other], ['a', 'c', 'd']);
  t.equal(two.get(2), undefined);
  let list = two;
  startMeter();
  for (let round = 0; round < 10_000; round += 1) list = concatLists(list, one);
  t.ok(spentUnits() < 50_000, 'not the square of it');
  t.equal(list.size, 10_002);
  t.strictSame([...concatLists(celList(['plain']), one)], ['plain', 'a'], 'nor need it be one of ours');
  const json = jsonToCel(['x']) as CelList;
  concatLists(json, one);
  t.strictSame([...json], ['x'], 'the payload stays as it is');
  spend(0);
  t.end();
});
