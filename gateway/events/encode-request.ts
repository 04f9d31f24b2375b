// Encodes the events of a batch as one request, in the content mode of the trigger.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { encodeJson } from './encode-json.ts';
import { createEncode, encodeBatch, type RequestParts } from './encode.ts';

export function createEncodeRequest({
  function: settings,
}: Subscription): (events: readonly CloudEvent[]) => RequestParts {
  if (settings.contentMode === 'batched') return (events) => encodeBatch(events.map(encodeJson));
  const encode = createEncode(settings);
  return ([event]) => encode(event as CloudEvent);
}
