// A CloudEvent 1.0 in memory. Attribute names are lower-case letters and digits; `data` is bytes, null for no data.

/** The CloudEvents types that JSON and HTTP preserve. Others (URI, Timestamp, Binary) are in their string form. */
export type AttributeValue = string | number | boolean;

export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string | undefined;
  /** RFC 3339. */
  readonly time?: string | undefined;
  readonly datacontenttype?: string | undefined;
  readonly dataschema?: string | undefined;
  /** All other attributes, including those that Millrace adds (`kafkatopic`, …). */
  readonly extensions: Readonly<Record<string, AttributeValue>>;
  readonly data: Buffer | null;
}

/** The attribute `name` of `event`, or undefined if it has none. `specversion` is an attribute too. */
export function attributeOf(event: CloudEvent, name: string): AttributeValue | undefined {
  switch (name) {
    case 'id':
      return event.id;
    case 'source':
      return event.source;
    case 'type':
      return event.type;
    case 'specversion':
      return '1.0';
    case 'subject':
      return event.subject;
    case 'time':
      return event.time;
    case 'datacontenttype':
      return event.datacontenttype;
    case 'dataschema':
      return event.dataschema;
    default:
      return Object.hasOwn(event.extensions, name) ? event.extensions[name] : undefined;
  }
}
