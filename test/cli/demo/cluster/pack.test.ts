import t from 'tap';
import { packEarthquakes, unpackEarthquakes } from '../../../../cli/demo/cluster/pack.ts';
import { readEarthquakes } from '../../../../cli/demo/earthquakes.ts';

t.test('the earthquakes come out as they went in, and fit into a ConfigMap', async (t) => {
  const earthquakes = await readEarthquakes();
  const packed = packEarthquakes(earthquakes);
  t.ok(packed.toString('base64').length < 1_048_576 / 2);
  t.strictSame(unpackEarthquakes(packed), earthquakes);
  t.strictSame(unpackEarthquakes(packEarthquakes([])), []);
});
