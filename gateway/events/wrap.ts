// Wraps a record that is not a CloudEvent as one, in the way of Millrace or of Knative's KafkaSource.
import type { CloudEvent } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { EventSettings } from '../../core/contract/subscription.ts';
import { textOf } from './attributes.ts';
import { isJson } from './json-bytes.ts';
import type { Headers } from './headers-to-attributes.ts';

/** The trigger: it takes the place of the KafkaSource in Knative's `source`. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export type Wrap = (record: KafkaRecord, headers: Headers, offset: string) => CloudEvent;

/** The last millisecond of the year 9999: RFC 3339 has four digits for the year. */
const maxTimestampMs = 253_402_300_799_999;

/** Wraps in the way of Millrace (docs: Events). The subject is the key, where that is text. */
export function createWrap(settings: EventSettings, cluster: string): Wrap {
  const sourceOf = createSourceOf(settings, `/kafka/${cluster}/`);
  const timeOf = createTimeOf();
  return (record, headers, offset) => ({
    id: `partition:${record.partition}/offset:${offset}`,
    source: sourceOf(record.topic),
    type: settings.type,
    subject: (record.key === null ? undefined : textOf(record.key)) || undefined,
    time: timeOf(record.timestampMs),
    datacontenttype: contentTypeOf(record.value, headers.contentType),
    dataschema: undefined,
    extensions: headers.extensions,
    data: record.value,
  });
}

/**
 * Wraps in the way of Knative, which is `InvalidCloudEventInterceptor.java` of eventing-kafka-broker: with its type, subject and
 * extension `key`, with the content type from the header alone, in lower case, and with trace context among the `kafkaheader…`.
 * `event.source` in the settings takes precedence over Knative's source.
 */
export function createKnativeWrap(settings: EventSettings, owner: Owner): Wrap {
  const sourceOf = createSourceOf(
    settings,
    `/apis/v1/namespaces/${owner.namespace}/kafkasources/${owner.name}#`,
  );
  const timeOf = createTimeOf();
  return (record, headers, offset) => {
    const { extensions } = headers;
    if (extensions.partitionkey !== undefined) extensions.key = extensions.partitionkey;
    if (headers.traceparent !== '') extensions.kafkaheadertraceparent = headers.traceparent;
    if (headers.tracestate !== '') extensions.kafkaheadertracestate = headers.tracestate;
    return {
      id: `partition:${record.partition}/offset:${offset}`,
      source: sourceOf(record.topic),
      type: 'dev.knative.kafka.event',
      subject: `partition:${record.partition}#${offset}`,
      time: timeOf(record.timestampMs),
      datacontenttype: headers.contentType.toLowerCase() || undefined,
      dataschema: undefined,
      extensions,
      data: record.value,
    };
  };
}

/** The source of the settings, or else `prefix` and the topic. The source of the last topic is cached. */
function createSourceOf(settings: EventSettings, prefix: string): (topic: string) => string {
  let lastTopic = '';
  let source = settings.source ?? '';
  if (settings.source !== undefined) return () => source;
  return (topic) => {
    if (topic !== lastTopic) {
      lastTopic = topic;
      source = prefix + topic;
    }
    return source;
  };
}

/** A timestamp of Kafka (-1: none) as RFC 3339 in UTC. The text of the last second is cached. */
function createTimeOf(): (timestampMs: number) => string | undefined {
  let lastSecond = -1;
  let text = '';
  return (timestampMs) => {
    if (!(timestampMs >= 0 && timestampMs <= maxTimestampMs)) return undefined;
    const second = Math.floor(timestampMs / 1000);
    if (second !== lastSecond) {
      lastSecond = second;
      text = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const ms = Math.floor(timestampMs) - second * 1000;
    return `${text}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
  };
}

function contentTypeOf(value: Buffer | null, header: string): string | undefined {
  if (header !== '') return header;
  if (value === null) return undefined;
  return isJson(value) ? 'application/json' : 'application/octet-stream';
}
