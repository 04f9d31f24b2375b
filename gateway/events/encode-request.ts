// Encodes the events of a request, in the content mode of the trigger.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { JsonMember } from './encode-json.ts';
import { createEncode, encodeBatch, type RequestParts } from './encode.ts';

/** `members`: for `contentMode: batched`, the same events. In the other modes there is one event. */
export interface RequestContent {
  readonly events: readonly CloudEvent[];
  readonly members: readonly JsonMember[];
}

export function createEncodeRequest({
  function: settings,
}: Subscription): (content: RequestContent) => RequestParts {
  if (settings.contentMode === 'batched') return ({ members }) => encodeBatch(members);
  const encode = createEncode(settings);
  return ({ events: [event] }) => encode(event as CloudEvent);
}
