// Whatever a trigger is called, what is named after it has a legal name of its own.
import fc from 'fast-check';
import t from 'tap';
import {
  labelValueOf,
  metricNameOf,
  scaledObjectNameOf,
  serviceNameOf,
} from '../../../core/resources/derived-names.ts';
import { formats } from '../../../core/resources/schema/formats.ts';

t.test('a name that is legal as it stands is used as it stands', async (t) => {
  t.equal(serviceNameOf('order-mailer'), 'order-mailer-millrace');
  t.equal(serviceNameOf('a'.repeat(54)), `${'a'.repeat(54)}-millrace`);
  t.equal(scaledObjectNameOf('api.v2'), 'api.v2');
  t.equal(scaledObjectNameOf('3d-labels'), '3d-labels');
  t.equal(scaledObjectNameOf('a'.repeat(54)), 'a'.repeat(54));
  t.equal(labelValueOf('a'.repeat(63)), 'a'.repeat(63));
  t.equal(metricNameOf('order-mailer'), 'millrace-order-mailer');
  t.equal(metricNameOf('a'.repeat(54)), `millrace-${'a'.repeat(54)}`);
});

t.test('any other is shortened, and ends with a hash, which never changes', async (t) => {
  t.equal(serviceNameOf('3d-labels'), 't-3d-labels-millrace-e6bf05aeef7b');
  t.equal(serviceNameOf('api.v2'), 'api-v2-millrace-ba81b8464b72');
  t.equal(metricNameOf('api.v2'), 'millrace-api-v2_ba81b8464b72');
});

t.test('a name that looks shortened does not collide with the one that was shortened to it', async (t) => {
  const shortened = scaledObjectNameOf(`${'a'.repeat(50)}.${'b'.repeat(50)}`);
  t.equal(shortened.length, 54);
  t.not(scaledObjectNameOf(shortened), shortened);
});

const dnsLabel = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?$/);
const triggerName = fc
  .array(dnsLabel, { minLength: 1, maxLength: 4 })
  .map((labels) =>
    labels
      .join('.')
      .slice(0, 253)
      .replace(/[-.]+$/, ''),
  )
  .filter((name) => formats['dns-name'].test(name));

/** Names that are alike at their beginning, at their end, or but for a dot. */
const twoNames = fc
  .tuple(triggerName, fc.constantFrom('-', '.', 'x', '-millrace'), triggerName)
  .map(([left, between, right]): [string, string] => [`${left}-${right}`, `${left}${between}${right}`])
  .filter(([one, other]) => one !== other && [one, other].every((name) => formats['dns-name'].test(name)));

const derivations: readonly [of: (name: string) => string, legal: RegExp][] = [
  // RFC 1035: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
  [serviceNameOf, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/],
  // The value of a label, and with `keda-hpa-` before it the name of a HorizontalPodAutoscaler.
  [scaledObjectNameOf, /^(?=.{1,54}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/],
  [labelValueOf, /^(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/],
  [metricNameOf, /^(?=.{1,63}$)[a-z0-9]([-a-z0-9_]*[a-z0-9])?$/],
];
for (const [derive, legal] of derivations) {
  t.test(`${derive.name} is legal for every trigger, and stays as it is`, async () => {
    fc.assert(
      fc.property(triggerName, (name) => legal.test(derive(name)) && derive(name) === derive(name)),
      { numRuns: 1_000 },
    );
  });

  t.test(`${derive.name} is another one for another trigger`, async () => {
    fc.assert(
      fc.property(twoNames, ([one, other]) => derive(one) !== derive(other)),
      { numRuns: 1_000 },
    );
  });
}
