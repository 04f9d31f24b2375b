import t from 'tap';
import { magnitudeClass, readEarthquakes, regionOf } from '../../../cli/demo/earthquakes.ts';
import { burstsOf } from '../../../cli/demo/replay-week.ts';

t.test('a week of earthquakes, oldest first', async (t) => {
  const earthquakes = await readEarthquakes();
  t.equal(earthquakes.length, 1707);
  t.equal(new Set(earthquakes.map(({ event }) => event.id)).size, 1707, 'each with an id of its own');
  const times = earthquakes.map(({ event }) => event.time ?? '');
  t.strictSame(times, times.toSorted());
  t.match(earthquakes[0], {
    region: 'Washington',
    event: {
      id: 'uw61345682',
      source: 'https://earthquake.usgs.gov/earthquakes/feed',
      type: 'gov.usgs.earthquake.micro',
      subject: '37km NNE of Amboy, Washington',
      time: '2018-01-31T01:49:59.650Z',
      datacontenttype: 'application/json',
    },
  });
  t.ok(earthquakes.some(({ event }) => event.type === 'gov.usgs.quarry-blast.micro'));
});

t.test('classes of magnitude', async (t) => {
  const classes = [null, -1, 2.9, 3, 4.2, 5, 6.4, 7, 8.1].map(magnitudeClass);
  t.strictSame(classes, [
    'micro',
    'micro',
    'micro',
    'minor',
    'light',
    'moderate',
    'strong',
    'major',
    'great',
  ]);
});

t.test('regions', async (t) => {
  t.equal(regionOf('4km W of Castaic, CA'), 'California');
  t.equal(regionOf('62km WSW of Redoubt Volcano, Alaska'), 'Alaska');
  t.equal(regionOf('Off the coast of Oregon'), 'Oregon');
  t.equal(regionOf('Fiji region'), 'Fiji region');
});

t.test('bursts', async (t) => {
  const earthquakes = await readEarthquakes();
  const bursts = burstsOf(earthquakes);
  t.strictSame(
    bursts.flatMap((burst) => burst.earthquakes),
    earthquakes,
    'hold every earthquake once, in order',
  );
  t.strictSame(
    bursts.map(({ thenIdle }) => thenIdle),
    [false, true, true],
  );
  t.strictSame(
    burstsOf(earthquakes.slice(0, 1)).map((burst) => burst.earthquakes.length),
    [1, 0, 0],
  );
});
