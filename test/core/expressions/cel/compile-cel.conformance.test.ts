import { isCelError, run } from '@bufbuild/cel';
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import t from 'tap';
import { celToJson } from '../../../../core/expressions/cel/cel-to-json.ts';
import { compileCel } from '../../../../core/expressions/cel/compile-cel.ts';
import { eventWith } from './event.ts';

type Suite = typeof tests;

/** The expressions of the conformance tests of the CEL specification that need nothing but the language. */
function expressionsOf({ suites = [], tests: cases = [] }: Suite): string[] {
  const needs = ['bindings', 'container', 'typeEnv', 'disableMacros', 'typedResult', 'unknown'];
  const own = cases.flatMap(({ original }) =>
    needs.some((name) => name in original) ? [] : [original.expr],
  );
  return [...own, ...suites.flatMap(expressionsOf)];
}

/** `type` is the attribute here, so that the type of types has no name. */
function isAboutType(source: string): boolean {
  return source === 'type' || source === 'type(type)';
}

t.test('names checked and work counted, CEL means what the library says it means', (t) => {
  const event = eventWith(null);
  let compared = 0;
  for (const source of expressionsOf(tests)) {
    const compiled = compileCel(source);
    if (compiled.kind === 'invalid' || isAboutType(source)) continue;
    const wanted = run(source);
    const result = compiled.evaluate(event);
    const json = result.kind === 'error' ? undefined : celToJson(result.value);
    // A name that is not bound says so in other words.
    if (isCelError(wanted)) t.equal(result.kind, 'error', source);
    else t.strictSame(json, celToJson(wanted), source);
    compared += 1;
  }
  t.ok(compared > 900, `${compared} expressions`);
  t.end();
});
