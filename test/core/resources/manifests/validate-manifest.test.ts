import t from 'tap';
import {
  fieldPathOf,
  validateDeploymentManifest,
  validateTriggerManifest,
} from '../../../../core/resources/manifests/validate-manifest.ts';
import { triggerWith } from '../minimal-trigger.ts';

const deployment = (annotations: Readonly<Record<string, unknown>>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'mailer', annotations },
});
const none = () => ({ message: 'it is none' });

t.test('a Trigger that is right has no mistakes, and its defaults', async (t) => {
  const { trigger, mistakes } = validateTriggerManifest(triggerWith({}), none);
  t.strictSame(mistakes, []);
  t.equal(trigger?.spec.delivery.retry, 10);
});

t.test('annotations for Deployments are mistakes on a Trigger', async (t) => {
  const annotations = {
    'millrace.dev/retry': '3',
    'millrace.dev/retyr': '3',
    'millrace.dev/dev-command': 'a',
  };
  const { trigger, mistakes } = validateTriggerManifest(
    triggerWith({ 'metadata.annotations': annotations }),
    none,
  );
  t.match(mistakes, [
    { remedy: 'In a Trigger, write spec.delivery.retry.' },
    { message: /not an annotation/ },
  ]);
  t.equal(mistakes.length, 2);
  t.ok(trigger);
});

t.test('an expression is reported where it was written, unless its place is wrong already', async (t) => {
  const declared = validateTriggerManifest(triggerWith({ 'spec.filters': [{ cel: 'a' }] }), none);
  t.match(declared.mistakes, [{ at: ['spec', 'filters', 0, 'cel'], message: /it is none/ }]);
  const wrong = validateDeploymentManifest(
    deployment({ 'millrace.dev/topics': 'a', 'millrace.dev/filter': 'b' }),
    none,
  );
  t.equal(wrong.trigger, undefined);
  t.match(wrong.mistakes, [
    { at: ['metadata', 'annotations', 'millrace.dev/filter'], message: /it is none/ },
  ]);
  const empty = validateDeploymentManifest(
    deployment({ 'millrace.dev/topics': 'a', 'millrace.dev/filter': '' }),
    none,
  );
  t.equal(empty.mistakes.length, 1);
});

t.test('one mistake per place', async (t) => {
  const { mistakes, trigger } = validateDeploymentManifest(
    deployment({ 'millrace.dev/topics': 'a', 'millrace.dev/retry': 3 }),
    none,
  );
  t.match(mistakes, [{ message: /must be a string/ }]);
  t.equal(mistakes.length, 1);
  t.ok(trigger);
});

t.test('the field that an annotation means', async (t) => {
  t.equal(fieldPathOf('millrace.dev/retry'), 'spec.delivery.retry');
  t.equal(fieldPathOf('millrace.dev/nothing'), undefined);
});
