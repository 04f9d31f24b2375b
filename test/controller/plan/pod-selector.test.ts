import t from 'tap';
import { readLabelSelector, readSelectorText } from '../../../controller/plan/pod-selector.ts';

const oneOf = (values: unknown, key = 'tier') => ({ key, operator: 'In', values });

t.test('labels, and expressions that one label alone meets', async (t) => {
  for (const [selector, labels] of [
    [{ matchLabels: { app: 'mailer' } }, { app: 'mailer' }],
    [{ matchLabels: { app: 'mailer' }, matchExpressions: [] }, { app: 'mailer' }],
    [
      { matchLabels: { app: 'mailer' }, matchExpressions: [oneOf(['front'])] },
      { app: 'mailer', tier: 'front' },
    ],
    [{ matchExpressions: [oneOf(['front'])] }, { tier: 'front' }],
    [{ matchLabels: { tier: 'front' }, matchExpressions: [oneOf(['front'])] }, { tier: 'front' }],
  ] as const)
    t.strictSame(readLabelSelector(selector), { kind: 'labels', labels }, JSON.stringify(selector));
});

t.test('whatever a Service would leave out is refused, and named', async (t) => {
  const app = { app: 'mailer' };
  for (const [selector, why] of [
    [{ matchLabels: app, matchExpressions: [oneOf(['front', 'back'])] }, /"values":\["front","back"\]/],
    [{ matchLabels: app, matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, /"Exists"/],
    [{ matchLabels: app, matchExpressions: [{ ...oneOf(['a']), operator: 'NotIn' }] }, /"NotIn"/],
    [{ matchLabels: app, matchExpressions: [{ ...oneOf(['a']), more: 1 }] }, /"more"/],
    [{ matchLabels: app, matchExpressions: ['odd'] }, /"odd"/],
    [{ matchLabels: app, matchExpressions: [oneOf('front')] }, /"front"/],
    [{ matchLabels: app, matchExpressions: [oneOf(['other'], 'app')] }, /two values of the label app/],
    [{ matchLabels: app, matchFields: {} }, /`matchFields`/],
    [{ matchLabels: {} }, /no labels/],
    [{}, /no labels/],
    [undefined, /no labels/],
  ] as const)
    t.match(readLabelSelector(selector), { kind: 'unsupported', why }, JSON.stringify(selector));
});

t.test('the text of a Scale', async (t) => {
  for (const [text, labels] of [
    ['app=mailer', { app: 'mailer' }],
    ['app==mailer, example.com/tier = front', { app: 'mailer', 'example.com/tier': 'front' }],
    ['app=mailer,tier in (front)', { app: 'mailer', tier: 'front' }],
    ['app=mailer,empty=', { app: 'mailer', empty: '' }],
    ['app=mailer,', { app: 'mailer' }],
  ] as const)
    t.strictSame(readSelectorText(text), { kind: 'labels', labels }, text);
  for (const [text, why] of [
    ['app=mailer,tier in (front,back)', /tier in \(front,back\)/],
    ['app=mailer,tier', /expression tier,/],
    ['app=mailer,!tier', /!tier/],
    ['app=mailer,tier!=front', /tier!=front/],
    ['app=mailer,tier notin (front)', /notin/],
    ['app=mailer,size>3', /size>3/],
    ['app=a,app=b', /two values/],
    [',', /no labels/],
    ['', /no labels that its scale subresource tells/],
    [undefined, /no labels that its scale subresource tells/],
    ['a'.repeat(5_000), /more than 4096 characters/],
  ] as const)
    t.match(readSelectorText(text), { kind: 'unsupported', why }, text?.slice(0, 40) ?? 'absent');
});
